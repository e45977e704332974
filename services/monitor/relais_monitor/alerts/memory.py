"""Keeps the alerts over a restart of the monitor, in a file of its state folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel

from relais_monitor.alerts.catalogue import RULE_BY_NAME
from relais_monitor.alerts.instance import Instance, Key, Labels, Phase
from relais_monitor.alerts.late_minutes import Record
from relais_monitor.files import replace_file

_FILE: Final = "alerts.json"
# A condition that was pending when the monitor stopped says nothing of a time that nobody watched.
_LONGEST_GAP_S: Final = 600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept: the alerts, what each channel was told (when the alert fired), the late minutes."""

    alerts: Mapping[Key, Instance] = field(default_factory=dict)
    told: Mapping[str, Mapping[Key, float]] = field(default_factory=dict)
    late: Record = field(default_factory=dict)


class _Kept(BaseModel):
    kept_at: float
    alerts: list[Instance]
    told: dict[str, list[tuple[str, Labels, float]]]
    late: Record


def recall(home: Path | None, now: float) -> Memory:
    """Read what was kept; nothing when there is no folder, no file, or one that can't be read."""
    if home is None or not (home / _FILE).exists():
        return Memory()
    try:
        kept = _Kept.model_validate_json((home / _FILE).read_bytes())
    except (OSError, ValueError) as error:
        log.warning("alerts.forgotten", reason=type(error).__name__)
        return Memory()
    lately = now - kept.kept_at < _LONGEST_GAP_S
    alerts = [alert for alert in kept.alerts if alert.rule in RULE_BY_NAME]
    return Memory(
        {alert.key: alert for alert in alerts if lately or alert.phase is not Phase.PENDING},
        {channel: {(rule, labels): at for rule, labels, at in told} for channel, told in kept.told.items()},
        kept.late,
    )


def keep(home: Path | None, memory: Memory, now: float) -> None:
    """Write it atomically: who reads sees the old or the new."""
    if home is None:
        return
    told = {channel: [(*key, at) for key, at in told.items()] for channel, told in memory.told.items()}
    kept = _Kept(kept_at=now, alerts=list(memory.alerts.values()), told=told, late=memory.late)
    try:
        replace_file(home / _FILE, kept.model_dump_json().encode())
    except OSError as error:
        log.warning("alerts.not_kept", reason=type(error).__name__)
