"""Why a job is where it is."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text


def explanation_view(explanation: dict[str, Any]) -> RenderableType:
    """The cause, what shows it, what to do."""
    lines = [f"{explanation['status']}, {explanation['cause']}: {explanation['summary']}"]
    for name, value in explanation["evidence"].items():
        lines.append(f"  {name}: {'unknown' if value is None else value}")
    return Group(*(Text(line) for line in [*lines, f"What to do: {explanation['next_step']}"]))
