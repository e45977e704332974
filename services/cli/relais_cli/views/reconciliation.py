"""A queue's rows against its leases and tokens."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from relais_cli.render import counted

_UNKNOWN = "unknown"


def reconciliation_view(found: dict[str, Any]) -> RenderableType:
    """What is there, what is missing, and what was done about it."""
    broker = {True: "up", False: "down", None: _UNKNOWN}[found["broker_up"]]
    rows = [
        ("Waiting", found["waiting"], f"{found['pending']} pending, {found['eligible']} could start at once"),
        ("Processing", found["processing"], f"with {counted(found['leases'], 'lease')}"),
        (
            "Tokens",
            _UNKNOWN if found["tokens_ready"] is None else found["tokens_ready"],
            f"the broker is {broker}, as the sweeper saw it",
        ),
    ]
    title = f"Queue {found['queue']}" + (", which is paused" if found["paused"] else "")
    return Group(Text(title), _lined_up(rows), Text(), *map(Text, _lines(found)))


def _lined_up(rows: Sequence[Sequence[object]]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "right", "left"):
        table.add_column(justify=justify)
    for row in rows:
        table.add_row(*map(str, row))
    return table


def _lines(found: dict[str, Any]) -> list[str]:
    announce, publish = found["to_announce"], found["to_publish"]
    if not publish:
        return ["Nothing is missing."]
    if found["dry_run"]:
        return [
            f"Would announce {counted(announce, 'job')} and publish {counted(publish, 'token')}.",
            "To do it: the same command with --execute",
        ]
    if not found["confirmed"]:
        return [
            "The broker has not confirmed within 3 s; some tokens may still arrive, and nothing was announced.",
            "If it is down: start it, or correct RELAIS_BROKER_URL of the API.",
        ]
    return [f"Announced {counted(found['announced'], 'job')}, published {counted(found['published'], 'token')}."]
