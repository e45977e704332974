"""How the commands write: to people in a terminal, to a file, or as JSON to a program."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

MOST_SHOWN = 500  # of a page of the API
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def stdout() -> Console:
    """Where results go."""
    return Console(highlight=False, markup=False, emoji=False)


def stderr() -> Console:
    """Where errors and progress go."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """Write a result for programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def print_error(message: str) -> None:
    """Write why a command failed; further lines of the message are details."""
    first, *details = message.splitlines() or [""]
    console = stderr()
    for line in [f"relais: {first}", *(f"  {detail}" for detail in details)]:
        console.print(line, style="red" if console.is_terminal else None, soft_wrap=not console.is_terminal)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[int] = ()) -> None:
    """Write rows under headings."""
    stdout().print(make_table(columns, rows, right=right))


def make_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[int] = (), whole: Sequence[int] = ()
) -> Table:
    """Put rows under headings; long cells are folded, never cut, those of the columns `whole` last of all."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        justify: JustifyMethod = "right" if number in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=number in whole)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else "" if cell is None else str(cell) for cell in row))
    return table


def duration(seconds: float) -> str:
    """A length of time to read at a glance, such as `14 s`, `3 min` or `2 d`."""
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.0f} h" if seconds < _DAY_S else f"{seconds / _DAY_S:.0f} d"


def age(moment: str | None) -> str:
    """How long ago an ISO 8601 time was, such as `3 min ago`; empty for None."""
    if moment is None:
        return ""
    passed_s = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    return f"{duration(max(passed_s, 0))} ago"


def how_to_see_more(shown: int) -> str:
    """What to do about a list that was cut after `shown`."""
    return "narrow the filter" if shown >= MOST_SHOWN else "narrow the filter, or raise --limit"


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, such as `1 job` or `3 jobs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"
