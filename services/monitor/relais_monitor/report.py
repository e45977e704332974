"""The figures of `/metrics` as one JSON document."""

from datetime import UTC, datetime

from pydantic import BaseModel

from relais.lifecycle import State
from relais.parts import Part
from relais.queues import Kind
from relais_monitor.families import count_expired, count_failures, count_finished, count_superseded
from relais_monitor.snapshot import Snapshot


class Workers(BaseModel):
    """Worker processes, their slots, and how many find a part down; `waiting_for` is empty while none lives."""

    alive: int
    silent: int
    slots_busy: int
    slots_idle: int
    slots_waiting: int
    waiting_for: dict[Part, int]


class Broker(BaseModel):
    """The broker as the sweeper saw it last."""

    up: bool
    tokens_ready: dict[str, int]


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


class Figures(BaseModel):
    """What one snapshot of the database says; null is unknown."""

    jobs: dict[Kind, dict[State, int]]
    oldest_waiting_s: dict[Kind, float]
    workers: Workers
    sweeper_last_run_at: datetime | None
    broker: Broker | None
    finished: list[Finished]
    failures: list[Failures]
    leases_expired: int
    attempts_superseded: int


class Report(BaseModel):
    """The state of the system; `figures` is null while the database is away."""

    database_up: bool
    figures: Figures | None


def report(snapshot: Snapshot | None) -> Report:
    """Put a snapshot into a report."""
    return Report(database_up=snapshot is not None, figures=None if snapshot is None else _figures(snapshot))


def _figures(snapshot: Snapshot) -> Figures:
    stats = snapshot.stats
    return Figures(
        jobs={kind: {state: stats.jobs[kind, state] for state in State} for kind in Kind},
        oldest_waiting_s=dict(stats.oldest_waiting_s),
        workers=_workers(snapshot),
        sweeper_last_run_at=None if stats.sweeper_ran_at is None else datetime.fromtimestamp(stats.sweeper_ran_at, UTC),
        broker=None if stats.broker is None else Broker(up=stats.broker.up, tokens_ready=dict(stats.broker.ready)),
        finished=[
            Finished(kind=kind, agent=agent, outcome=outcome, total=total)
            for (kind, agent, outcome), total in sorted(count_finished(snapshot).items())
        ],
        failures=[
            Failures(kind=kind, reason=reason, total=total)
            for (kind, reason), total in sorted(count_failures(snapshot).items())
        ],
        leases_expired=count_expired(snapshot),
        attempts_superseded=count_superseded(snapshot),
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
