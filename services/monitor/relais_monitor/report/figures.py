"""The figures of `/metrics` as one JSON document."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from relais.lifecycle import State
from relais.parts import Part
from relais.queues import Kind
from relais_monitor.metrics.counts import Series
from relais_monitor.report.windows import WindowFigures, window_figures
from relais_monitor.snapshot import History, Snapshot
from relais_monitor.windows import WindowName


class Workers(BaseModel):
    """Worker processes, their slots, and how many find a part down; `waiting_for` is empty while none lives."""

    alive: int
    silent: int
    slots_busy: int
    slots_idle: int
    slots_waiting: int
    waiting_for: dict[Part, int]


class Broker(BaseModel):
    """The broker as the sweeper saw it last; `alarms` is null when the sweeper couldn't ask."""

    up: bool
    tokens_ready: dict[str, int]
    alarms: list[str] | None


class Finished(BaseModel):
    """Jobs that reached one final state."""

    kind: str
    agent: str
    outcome: str
    total: int


class Failures(BaseModel):
    """Attempts that failed for one reason."""

    kind: str
    reason: str
    total: int


class Retries(BaseModel):
    """Jobs that went back into the line for one cause."""

    kind: str
    cause: str
    total: int


class Cancels(BaseModel):
    """Jobs that were cancelled while they waited or ran."""

    kind: str
    during: Literal["waiting", "processing"]
    total: int


class Answers(BaseModel):
    """Answers that rest on passages, and others."""

    grounded: int
    ungrounded: int


class Totals(BaseModel):
    """What the ledger says; null while the monitor still reads a long one after its start."""

    finished: list[Finished] | None = None
    failures: list[Failures] | None = None
    retries: list[Retries] | None = None
    cancels: list[Cancels] | None = None
    answers: Answers | None = None
    leases_expired: int | None = None
    attempts_superseded: int | None = None
    duplicate_answers: int | None = None
    windows: dict[WindowName, WindowFigures] | None = None


class Figures(Totals):
    """What one snapshot of the database says; null is unknown, and so is a final state that `jobs` doesn't have."""

    as_of: datetime
    jobs: dict[Kind, dict[State, int]]
    oldest_waiting_s: dict[Kind, float]
    longest_processing_s: dict[Kind, float]
    workers: Workers
    sweeper_last_run_at: datetime | None
    broker: Broker | None
    queues_paused: dict[str, datetime | None]
    agents_paused: list[str]


class Report(BaseModel):
    """The state of the system; `figures` is null while the database is away."""

    database_up: bool
    figures: Figures | None


def report(snapshot: Snapshot | None) -> Report:
    """Put a snapshot into a report."""
    return Report(database_up=snapshot is not None, figures=None if snapshot is None else _figures(snapshot))


def _figures(snapshot: Snapshot) -> Figures:
    stats, history = snapshot.stats, snapshot.history
    totals = Totals() if history is None else _totals(Series(stats, history.totals), history)
    return Figures(
        **dict(totals),
        as_of=datetime.fromtimestamp(stats.now, UTC),
        jobs={
            kind: {state: snapshot.jobs[kind, state] for state in State if (kind, state) in snapshot.jobs}
            for kind in Kind
        },
        oldest_waiting_s=dict(stats.backlog.oldest_waiting_s),
        longest_processing_s=dict(stats.backlog.longest_processing_s),
        workers=_workers(snapshot),
        sweeper_last_run_at=None if stats.sweeper_ran_at is None else datetime.fromtimestamp(stats.sweeper_ran_at, UTC),
        broker=_broker(snapshot),
        queues_paused=dict(stats.queues_paused),
        agents_paused=list(stats.agents_paused),
    )


def _totals(series: Series, history: History) -> Totals:
    answers: Mapping[str, int] = {
        grounded: sum(count for labels, count in series.answers().items() if labels[1] == grounded)
        for grounded in ("true", "false")
    }
    return Totals(
        finished=[
            Finished(kind=kind, agent=agent, outcome=outcome, total=total)
            for (kind, agent, outcome), total in sorted(series.finished().items())
        ],
        failures=[
            Failures(kind=kind, reason=reason, total=total)
            for (kind, reason), total in sorted(series.failures().items())
        ],
        retries=[
            Retries(kind=kind, cause=cause, total=total) for (kind, cause), total in sorted(series.retries().items())
        ],
        cancels=[
            Cancels.model_validate({"kind": kind, "during": during, "total": total})
            for (kind, during), total in sorted(series.cancels().items())
        ],
        answers=Answers(grounded=answers["true"], ungrounded=answers["false"]),
        leases_expired=history.totals.count("expired"),
        attempts_superseded=history.totals.count("superseded"),
        duplicate_answers=history.totals.count("duplicates"),
        windows={name: window_figures(window) for name, window in history.windows.items()},
    )


def _broker(snapshot: Snapshot) -> Broker | None:
    seen = snapshot.stats.broker
    if seen is None:
        return None
    return Broker(
        up=seen.up, tokens_ready=dict(seen.ready), alarms=None if seen.alarms is None else sorted(seen.alarms)
    )


def _workers(snapshot: Snapshot) -> Workers:
    stats = snapshot.stats
    return Workers(
        alive=stats.workers_alive,
        silent=stats.workers_silent,
        slots_busy=stats.slots_busy,
        slots_idle=stats.slots_idle,
        slots_waiting=stats.slots_waiting,
        waiting_for=dict(stats.waiting_for),
    )
