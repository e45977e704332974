"""The life of one alert: pending, firing, resolved."""

from dataclasses import dataclass, replace
from enum import StrEnum

from relais_monitor.alerts.rule import Finding

KEPT_AFTER_RESOLVED_S = 3600.0

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]
"""A rule, and what it was found for."""


class Phase(StrEnum):
    """Where an alert is in its life."""

    PENDING = "pending"
    """The condition holds, but not for long enough yet."""
    FIRING = "firing"
    RESOLVED = "resolved"
    """It fired, and the condition doesn't hold any more; kept for an hour."""


@dataclass(frozen=True, slots=True)
class Instance:
    """An alert that is under way. Times are Unix times of the monitor's clock."""

    rule: str
    labels: Labels
    phase: Phase
    since: float
    value: float | None
    fired_at: float | None = None
    resolved_at: float | None = None

    @property
    def key(self) -> Key:
        """What tells it from other alerts."""
        return self.rule, self.labels


def key_of(rule: str, finding: Finding) -> Key:
    """The key of the alert that a finding belongs to."""
    return rule, tuple(sorted(finding.labels.items()))


def holds(old: Instance | None, key: Key, finding: Finding, *, for_s: float, now: float) -> Instance:
    """The alert after its condition was found to hold."""
    if old is None or old.phase is Phase.RESOLVED:
        old = Instance(*key, phase=Phase.PENDING, since=now, value=finding.value)
    if old.phase is Phase.PENDING and now - old.since >= for_s:
        old = replace(old, phase=Phase.FIRING, fired_at=now)
    return replace(old, value=finding.value)


def holds_no_more(old: Instance, *, now: float) -> Instance | None:
    """The alert after its condition was found not to hold; None when it is past."""
    match old.phase:
        case Phase.PENDING:
            return None
        case Phase.FIRING:
            return replace(old, phase=Phase.RESOLVED, resolved_at=now)
        case Phase.RESOLVED:
            return old if now - (old.resolved_at or now) < KEPT_AFTER_RESOLVED_S else None
