"""The table of all variables in docs/configuration.md against the settings classes."""

import importlib
import importlib.util
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import annotated_types
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from relais.settings import PREFIX, RelaisSettings

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "configuration.md"
# The command line last: what it shares with a service is explained as the service reads it.
READERS = {"relais_api": "", "relais_worker": "", "relais_monitor": "", "relais_cli": "cli"}
HEAD = "| variable | default | range | read by | meaning |"
# A range as the code writes it, in the words of the table.
IN_WORDS = {
    "^(console|json)$": "console, json",
    "^(debug|info|warning|error)$": "debug, info, warning, error",
    "^https?://": "an http address",
}


def _classes() -> Iterator[tuple[str, type[RelaisSettings]]]:
    """Every settings class that a composition root reads, with who that is: those that no other class is made from."""
    for package, reader in READERS.items():
        if importlib.util.find_spec(f"{package}.settings") is None:
            continue
        module = importlib.import_module(f"{package}.settings")
        kinds = [
            kind
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if issubclass(kind, RelaisSettings) and kind.__module__ == module.__name__
        ]
        for kind in kinds:
            if not any(other is not kind and issubclass(other, kind) for other in kinds):
                yield reader or kind.__name__.removesuffix("Settings").lower(), kind


def _variables() -> dict[str, tuple[FieldInfo, set[str]]]:
    fields: dict[str, FieldInfo] = {}
    readers: dict[str, set[str]] = defaultdict(set)
    for reader, kind in _classes():
        for name, field in kind.model_fields.items():
            variable = PREFIX + name.upper()
            fields.setdefault(variable, field)
            readers[variable].add(reader)
    return {variable: (fields[variable], readers[variable]) for variable in fields}


def _row(variable: str, field: FieldInfo, readers: set[str]) -> str:
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{variable}` | {_default(field)} | {_range(field)} | {', '.join(sorted(readers))} | {meaning} |"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see below"  # differs by user
    default = field.default
    if default is PydanticUndefined:
        return "required"
    if default is None or default == "":
        return "none"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{f'{default:g}' if isinstance(default, float) else default}`"


def _range(field: FieldInfo) -> str:
    """The bounds as words; a lower bound that isn't reached says so."""
    low = high = words = ""
    for limit in field.metadata:
        pattern = getattr(limit, "pattern", None)
        if pattern:
            words = IN_WORDS[pattern]
        elif isinstance(limit, annotated_types.Ge):
            low = f"from {limit.ge}"
        elif isinstance(limit, annotated_types.Gt):
            low = f"above {limit.gt}"
        elif isinstance(limit, annotated_types.Le):
            high = f"to {limit.le}"
    return words or " ".join(part for part in (low, high) if part)


def expected_rows() -> list[str]:
    """The rows that the table must have, by name."""
    return [_row(variable, *known) for variable, known in sorted(_variables().items())]


def _documented_rows() -> list[str]:
    lines = DOCS.read_text().splitlines()
    first = lines.index(HEAD) + 2
    return lines[first : lines.index("", first)]


def test_the_table_has_every_variable_with_its_default_range_and_readers() -> None:
    """What configuration.md says is what the processes do; a failure prints the rows to put in."""
    assert _documented_rows() == expected_rows()


def test_every_variable_has_a_meaning() -> None:
    """A variable without a description can't be documented."""
    without = [variable for variable, (field, _) in _variables().items() if not field.description]
    assert without == []


def test_no_page_names_a_variable_that_nobody_reads() -> None:
    """A setting that a page promises exists, in a process or in docker-compose.yml."""
    deployed = [path.read_text() for path in (ROOT / "docker-compose.yml", ROOT / ".env.example") if path.exists()]
    deployed += [
        path.read_text() for path in (ROOT / "infra").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    known = set(_variables()) | {name for text in deployed for name in re.findall(r"RELAIS_[A-Z0-9_]+", text)}
    unknown = {
        f"{path.name}: {name}"
        for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for name in re.findall(r"RELAIS_[A-Z0-9_]*[A-Z0-9]", path.read_text())
        if name not in known | ALSO_READ
    }
    assert unknown == set()


# Read by the command line outside a settings class, or part of the example `RELAIS_*`.
ALSO_READ: set[str] = set()
