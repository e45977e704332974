"""The architecture, enforced: imports point one way, SQL and state have one home, importing does nothing."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCES = sorted(
    path
    for folder in ("shared", "services")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and "build" not in path.parts
)
_SQL = re.compile(r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b", re.DOTALL)
_WRITES_STATE = re.compile(r"UPDATE\s+jobs\b[^;]*\bSET\s+state\b", re.DOTALL)
# Each runs SQL that is none of the schema's: a server's own settings, roles or a ping.
_SQL_ELSEWHERE = {"services/cli/relais_cli/parts/postgres.py"}


def _strings(path: Path) -> list[str]:
    """Every string of a file that is not a docstring."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_point_one_way():
    """Services never import one another, shared never imports a service: import-linter's contracts hold."""
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


def test_only_the_store_holds_sql():
    """Statements live in `relais.store`; a service calls its functions."""
    holders = {_name(path) for path in SOURCES if any(_SQL.search(text) for text in _strings(path))}
    assert holders - _SQL_ELSEWHERE == {name for name in holders if name.startswith("shared/relais/store/")}


def test_state_is_written_by_one_funnel():
    """The one UPDATE that sets a job's state is the one that `transition` builds; it writes the ledger too."""
    writers = [_name(path) for path in SOURCES if any(_WRITES_STATE.search(text) for text in _strings(path))]
    assert writers == ["shared/relais/store/transitions.py"]


def test_importing_does_nothing():
    """Importing every module opens no socket, reads no setting, starts no thread and prints nothing."""
    roots = {path: next(p for p in path.parents if (p / "pyproject.toml").exists()) for path in SOURCES}
    modules = [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path, root in roots.items()
        if path.name not in {"__main__.py", "__init__.py"}
    ]
    program = f"""
import importlib, socket, sys, threading
def refuse(*args, **kwargs): raise AssertionError("a socket was opened by an import")
socket.socket.connect = refuse
for name in {modules!r}:
    importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_one_message_passes_through_fewer_than_ten_files():
    """The architecture page lists the files that one message passes through: fewer than ten, and all exist."""
    page = (ROOT / "docs/architecture.md").read_text()
    section = page.split("## The files that one message passes through")[1].split("\n## ")[0]
    listed = re.findall(r"^\d+\. `([^`]+)`", section, re.MULTILINE)
    assert 5 <= len(listed) < 10
    assert [name for name in listed if not (ROOT / name).is_file()] == []
