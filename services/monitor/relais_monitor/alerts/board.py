"""What the watch of the alerts is given, and what it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relais.store.silences import Silence
from relais_monitor.alerts.instance import Instance, Key
from relais_monitor.alerts.notifying.channel import Channel


@dataclass(frozen=True, slots=True)
class Alerting:
    """How alerts are watched: how often, who is told, where state is kept, where the runbook is."""

    every_s: float = 5.0
    channels: Sequence[Channel] = ()
    home: Path | None = None
    runbook: str = "docs/runbook.md"


@dataclass(frozen=True, slots=True)
class Board:
    """The alerts as they were found last; `looked_at` is None before the first look."""

    looked_at: float | None = None
    database_up: bool | None = None
    alerts: Mapping[Key, Instance] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    inhibited: frozenset[str] = frozenset()
    silences: Mapping[str, Silence] = field(default_factory=dict)
