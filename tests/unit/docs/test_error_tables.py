"""The tables of errors against the code that raises them."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from relais_api.admin.agent_bodies import NewAgent
from relais_api.http import problems

ROOT = Path(__file__).parents[3]
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text()
API_GUIDE = (ROOT / "docs" / "api-guide.md").read_text()
LIFE = (ROOT / "docs" / "life-of-a-message.md").read_text()
SOURCES = [*(ROOT / "shared").rglob("*.py"), *(ROOT / "services" / "rag-worker").rglob("*.py")]
_CODE = re.compile(r"[a-z]+(_[a-z]+)+")
_RAISED_BY = {"TransientError", "PermanentError", "PartAwayError", "away", "_away", "Failed", "_again"}


def _error_codes() -> Iterator[str]:
    """The first words of job errors, wherever the code makes one, and what the sweeper's SQL sets."""
    for path in SOURCES:
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in _RAISED_BY | {"super().__init__"}:
                words = [a.value for a in node.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                yield from (word for word in words[:1] if _CODE.fullmatch(word))
        yield from re.findall(r"(?:THEN|ELSE) '([a-z_]+)'", text)


def _problems() -> dict[str, int]:
    kinds = (kind for _, kind in inspect.getmembers(problems, inspect.isclass))
    return {kind.code: kind.status for kind in kinds if issubclass(kind, problems.ApiProblem)}


def test_every_error_code_of_a_job_is_in_troubleshooting() -> None:
    """Whoever reads an error code in a status finds its cause and remedy."""
    codes = set(_error_codes()) | {"deadline_exceeded", "stalled"}
    assert {"model_missing", "qdrant_timeout", "worker_lost", "database_unavailable"} <= codes
    assert sorted(code for code in codes if f"`{code}`" not in TROUBLESHOOTING) == []


def test_the_table_of_problem_codes_is_that_of_the_api() -> None:
    """The API guide lists every problem with its status, and no other."""
    listed = {code: int(status) for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", API_GUIDE, re.MULTILINE)}
    assert listed == _problems()


def test_troubleshooting_has_a_section_for_every_status() -> None:
    """A status code alone is enough to find help."""
    for status in set(_problems().values()) - {500}:
        assert re.search(rf"^## {status} ", TROUBLESHOOTING, re.MULTILINE), status


def test_the_table_of_an_agents_settings_is_that_of_the_api() -> None:
    """The API guide lists every field of an agent."""
    section = API_GUIDE.split("## The settings of an agent")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(NewAgent.model_fields) - {"slug"}
