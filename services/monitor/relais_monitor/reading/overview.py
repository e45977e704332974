"""Reads everything that the status page shows of this moment, in one snapshot."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from relais.lifecycle import LIVE, State
from relais.parts import Part
from relais.queues import Kind
from relais.store.line import read_lines
from relais.store.monitor_failures import CauseOfFailure, group_failures
from relais.store.monitor_jobs import ListedJob, list_running, list_waiting
from relais.store.monitor_pauses import Pause, read_pauses
from relais.store.monitor_workers import ListedWorker, list_workers
from relais.store.stats import Stats, read_stats
from relais_monitor.reading.troubles import Trouble, find_troubles

_MOST_WAITING = 50
_MOST_RUNNING = 100


@dataclass(frozen=True, slots=True)
class Capacity:
    """Workers and their slots; `waiting_for` counts workers that find a part down."""

    alive: int
    silent: int
    slots: int
    busy: int
    idle: int
    waiting: int
    waiting_for: dict[Part, int]


@dataclass(frozen=True, slots=True)
class Overview:
    """The page's picture of one moment; lists are bounded, `counts` are of all live jobs. Null is unknown."""

    at: datetime
    counts: dict[Kind, dict[State, int]]
    oldest_waiting_s: dict[Kind, float]
    capacity: Capacity
    sweeper_age_s: float | None
    broker_up: bool | None
    tokens_ready: dict[str, int]
    agents: list[str]
    troubles: list[Trouble]
    pauses: list[Pause]
    waiting: list[ListedJob]
    running: list[ListedJob]
    failures: list[CauseOfFailure]
    workers: list[ListedWorker]


def read_overview(conn: Connection) -> Overview:
    """Read it; the caller's transaction makes it one snapshot."""
    stats, lines = read_stats(conn), read_lines(conn)
    workers, pauses, failures = list_workers(conn), read_pauses(conn), group_failures(conn)
    return Overview(
        at=datetime.fromtimestamp(stats.now, UTC),
        counts={kind: {state: stats.backlog.jobs[kind, state] for state in sorted(LIVE)} for kind in Kind},
        oldest_waiting_s=dict(stats.backlog.oldest_waiting_s),
        capacity=_capacity(stats),
        sweeper_age_s=None if stats.sweeper_ran_at is None else max(stats.now - stats.sweeper_ran_at, 0.0),
        broker_up=None if stats.broker is None else stats.broker.up,
        tokens_ready={} if stats.broker is None else dict(stats.broker.ready),
        agents=sorted(stats.agents.values()),
        troubles=find_troubles(stats, workers, pauses, failures),
        pauses=pauses,
        waiting=list_waiting(conn, lines, limit=_MOST_WAITING),
        running=list_running(conn, lines, limit=_MOST_RUNNING),
        failures=failures,
        workers=workers,
    )


def _capacity(stats: Stats) -> Capacity:
    return Capacity(
        alive=stats.workers_alive,
        silent=stats.workers_silent,
        slots=stats.slots,
        busy=stats.slots_busy,
        idle=stats.slots_idle,
        waiting=stats.slots_waiting,
        waiting_for=dict(stats.waiting_for),
    )
