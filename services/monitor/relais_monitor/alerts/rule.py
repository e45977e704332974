"""The shape of an alert rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from relais_monitor.alerts.figures import Figures


class Severity(StrEnum):
    """How soon somebody has to act."""

    CRITICAL = "critical"
    """Now, at any hour: messages aren't answered, or something that must never be has been."""
    WARNING = "warning"
    """Within the working day: it gets worse, or it costs more than it should."""


class Measure(StrEnum):
    """How a rule's value is spelt."""

    NUMBER = "humanize"
    RATIO = "humanizePercentage"
    SECONDS = "humanizeDuration"

    def spell(self, value: float) -> str:
        """Spell a value for people."""
        match self:
            case Measure.NUMBER:
                return f"{value:.4g}"
            case Measure.RATIO:
                return f"{value:.1%}"
            case Measure.SECONDS:
                return _spell_seconds(value)


@dataclass(frozen=True, slots=True)
class Finding:
    """That a rule's condition holds for one subject, such as a kind of jobs; no labels mean the whole system.

    A value of None is one that nobody knows.
    """

    value: float | None
    labels: Mapping[str, str] = field(default_factory=dict)


# `increase` extrapolates: of ten events it may make a little more than ten, so thresholds lie between two counts.
BETWEEN_COUNTS = 0.5

Condition = Callable[[Figures], tuple[Finding, ...] | None]
"""What holds by the figures; None when they don't say."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert.

    Attributes:
        for_s: how long the condition must hold before the alert fires.
        measure: how the value is spelt; `unit` says of what it is the value.
        expr: the condition in PromQL.
        condition: the same over the monitor's own figures; None for what only an observer beside it can see.
        inhibited_by: rules that, while they fire, make this one no news.
    """

    name: str
    severity: Severity
    for_s: int
    summary: str
    description: str
    unit: str
    expr: str
    condition: Condition | None
    measure: Measure = Measure.NUMBER
    inhibited_by: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """The rule's section in docs/runbook.md."""
        return self.name.lower()

    def evidence(self, value: float | None) -> str:
        """The value in words."""
        if value is None:
            return f"an unknown time {self.unit}"
        return f"{self.measure.spell(value)} {self.unit}"


def _spell_seconds(value: float) -> str:
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}m {seconds}s"
    return f"{minutes}m {seconds}s" if minutes else f"{seconds}s"
