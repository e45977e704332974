"""What a channel is to tell."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from relais_monitor.alerts.catalogue import RULE_BY_NAME
from relais_monitor.alerts.instance import Instance, Phase
from relais_monitor.alerts.rule import Rule


@dataclass(frozen=True, slots=True)
class Notification:
    """That an alert fires or has resolved; the same however often it is sent."""

    alert: Instance

    @property
    def id(self) -> str:
        """The same for the same event, so that a receiver can drop what it has."""
        alert = self.alert
        return str(uuid5(NAMESPACE_URL, f"relais:{alert.rule}:{alert.labels}:{alert.phase}:{alert.fired_at}"))

    @property
    def resolved(self) -> bool:
        """Whether it is the end of the alert."""
        return self.alert.phase is Phase.RESOLVED

    @property
    def rule(self) -> Rule:
        """The rule of the alert."""
        return RULE_BY_NAME[self.alert.rule]

    def body(self, runbook: str) -> dict[str, object]:
        """The document that a webhook gets, in the shape that the Standard Webhooks specification asks for."""
        alert, rule = self.alert, self.rule
        happened_at = alert.resolved_at if self.resolved else alert.fired_at
        return {
            "type": "alert.resolved" if self.resolved else "alert.firing",
            "timestamp": in_utc(happened_at),
            "data": {
                "rule": rule.name,
                "severity": rule.severity,
                "labels": dict(alert.labels),
                "summary": rule.summary,
                "description": rule.description,
                "value": alert.value,
                "evidence": rule.evidence(alert.value),
                "since": in_utc(alert.since),
                "fired_at": in_utc(alert.fired_at),
                "resolved_at": in_utc(alert.resolved_at),
                "runbook": f"{runbook}#{rule.anchor}",
            },
        }


def in_utc(at: float | None) -> str | None:
    """Spell a Unix time."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
