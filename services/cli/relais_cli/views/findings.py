"""What is wrong, in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from relais_cli.render import duration, make_table

_STYLES = {"critical": "bold red", "warning": "bold yellow", "info": "bold cyan"}
_NAMES = {"critical": "critical", "warning": "warning", "info": "worth knowing"}


def diagnosis_view(diagnosis: dict[str, Any]) -> RenderableType:
    """Every finding: how bad, what, what to do, what shows it."""
    findings = diagnosis["findings"]
    if not findings:
        return Text("Nothing is wrong.")
    parts = [part for finding in findings for part in _finding(finding)]
    return Group(Text(_sum_up(findings)), *parts)


def _sum_up(findings: Sequence[dict[str, Any]]) -> str:
    counts = {severity: sum(one["severity"] == severity for one in findings) for severity in _NAMES}
    return "Found: " + ", ".join(f"{count} {_NAMES[severity]}" for severity, count in counts.items() if count) + "."


def _finding(finding: dict[str, Any]) -> Iterator[RenderableType]:
    yield Text()
    yield Text(finding["severity"].upper(), style=_STYLES[finding["severity"]]).append(
        f"  {finding['code']}", style="default not bold"
    )
    yield _indented(Text(finding["title"]))
    yield _indented(Text("What to do: ", style="bold").append(finding["recommendation"], style="default not bold"))
    if finding["command"]:
        yield _indented(Text(f"  {finding['command']}", no_wrap=False))
    if finding["evidence"]:
        yield Padding(_evidence(finding["evidence"]), (0, 0, 0, 4))


def _indented(text: Text) -> RenderableType:
    return Padding(text, (0, 0, 0, 2))


def _evidence(entries: Sequence[Mapping[str, Any]]) -> RenderableType:
    names = list(entries[0])
    return make_table(
        [name.removesuffix("_s").replace("_", " ") for name in names],
        [[_shown(name, entry.get(name)) for name in names] for entry in entries],
        whole=[number for number, name in enumerate(names) if name == "ref"],
    )


def _shown(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return _time(value) if name.endswith("_s") and isinstance(value, int | float) else str(value)


def _time(seconds: float) -> str:
    return duration(seconds) if seconds >= 0 else f"{duration(-seconds)} ago"
