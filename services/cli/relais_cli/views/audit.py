"""Who changed what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from relais_cli.render import duration, how_to_see_more, make_table


def audit_view(page: dict[str, Any]) -> RenderableType:
    """The newest changes first."""
    actions = page["actions"]
    if not actions:
        return Text("No operator has changed anything.")
    table = make_table(
        ["When", "Who", "What", "To what", "Changed"],
        [
            (
                f"{datetime.fromisoformat(one['at']).astimezone():%Y-%m-%d %H:%M}",
                one["actor"],
                one["action"],
                _target(one["target"]),
                _changed(one),
            )
            for one in actions
        ],
        right=[4],
        whole=[0],
    )
    if not page["next_cursor"]:
        return table
    return Group(table, Text(f"Only the newest {len(actions)} are shown: {how_to_see_more(len(actions))}."))


def _changed(one: Mapping[str, Any]) -> str:
    return str(one["changed"]) if one["matching"] is None else f"{one['changed']} of {one['matching']}"


def _target(target: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {_value(name, value)}" for name, value in target.items() if value is not False and value != []
    )


def _value(name: str, value: object) -> str:
    if name == "older_than" and isinstance(value, int | float):
        return duration(value)
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
