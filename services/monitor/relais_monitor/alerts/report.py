"""The alerts as a JSON document."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel

from relais_monitor.alerts.board import Board
from relais_monitor.alerts.catalogue import RULES
from relais_monitor.alerts.instance import Instance
from relais_monitor.alerts.notifying.desk import ChannelStatus
from relais_monitor.alerts.rule import Rule, Severity
from relais_monitor.alerts.watch import AlertWatch

State = Literal["firing", "pending", "resolved", "inactive", "unknown"]
_ORDER: Final[tuple[State, ...]] = ("firing", "pending", "resolved", "unknown", "inactive")


class Alert(BaseModel):
    """A rule, and what it was found for; several of one rule differ in their labels.

    `unknown` is what the monitor can't judge at the moment. `watched_by` is `prometheus` for what only an observer
    beside the monitor sees. `inhibited` means that its cause fires too, so that nobody is told.
    """

    rule: str
    severity: Severity
    state: State
    labels: dict[str, str]
    summary: str
    description: str
    evidence: str | None
    value: float | None
    for_s: int
    since: datetime | None
    fired_at: datetime | None
    resolved_at: datetime | None
    silenced_until: datetime | None
    silenced_by: str | None
    inhibited: bool
    watched_by: Literal["monitor", "prometheus"]
    runbook: str


class ChannelReport(BaseModel):
    """A way of notifying: what it has to tell still, and why the last attempt failed."""

    channel: str
    undelivered: int
    error: str | None


class Alerts(BaseModel):
    """All rules, what fires first. `notifies` says whether this monitor is the one that tells people."""

    looked_at: datetime | None
    database_up: bool | None
    firing: int
    pending: int
    notifies: bool
    channels: list[ChannelReport]
    alerts: list[Alert]


def alerts_report(watch: AlertWatch, runbook: str) -> Alerts:
    """Put the watch's board into a report."""
    board = watch.board
    alerts = sorted((alert for rule in RULES for alert in _alerts_of(rule, board, runbook)), key=_place)
    return Alerts(
        looked_at=_time(board.looked_at),
        database_up=board.database_up,
        firing=sum(alert.state == "firing" for alert in alerts),
        pending=sum(alert.state == "pending" for alert in alerts),
        notifies=watch.notifies,
        channels=_channels(watch.channels()),
        alerts=alerts,
    )


def _alerts_of(rule: Rule, board: Board, runbook: str) -> Iterator[Alert]:
    found = [alert for alert in board.alerts.values() if alert.rule == rule.name]
    if not found:
        yield _alert(rule, None, board, runbook)
    for alert in found:
        yield _alert(rule, alert, board, runbook)


def _alert(rule: Rule, found: Instance | None, board: Board, runbook: str) -> Alert:
    silence = board.silences.get(rule.name)
    return Alert(
        rule=rule.name,
        severity=rule.severity,
        state=_state(rule, found, board),
        labels=dict(found.labels) if found else {},
        summary=rule.summary,
        description=rule.description,
        evidence=rule.evidence(found.value) if found else None,
        value=found.value if found else None,
        for_s=rule.for_s,
        since=_time(found.since) if found else None,
        fired_at=_time(found.fired_at) if found else None,
        resolved_at=_time(found.resolved_at) if found else None,
        silenced_until=silence.ends_at if silence else None,
        silenced_by=silence.actor if silence else None,
        inhibited=rule.name in board.inhibited,
        watched_by="prometheus" if rule.condition is None else "monitor",
        runbook=f"{runbook}#{rule.anchor}",
    )


def _state(rule: Rule, found: Instance | None, board: Board) -> State:
    if found is not None:
        return found.phase.value
    if board.looked_at is None or rule.condition is None or rule.name in board.unknown:
        return "unknown"
    return "inactive"


def _place(alert: Alert) -> tuple[int, bool, str]:
    return _ORDER.index(alert.state), alert.severity is not Severity.CRITICAL, alert.rule


def _channels(found: Sequence[ChannelStatus]) -> list[ChannelReport]:
    return [ChannelReport(channel=each.channel, undelivered=each.undelivered, error=each.error) for each in found]


def _time(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
