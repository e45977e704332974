"""The figures of this moment: what waits, what runs, who works; read in one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from relais.parts import ALARMS, Part
from relais.queues import QUEUE_NAMES
from relais.store.backlog import Backlog, read_backlog
from relais.store.clock import read_clock
from relais.store.workers import alive_sql

# What the sweeper last saw of the broker says nothing about now once the sweeper is late itself.
BROKER_REPORT_VALID_S = 30


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """The broker as the sweeper saw it within the last seconds; a queue that it could not ask is missing.

    `alarms` are the resources that RabbitMQ is short of, which makes it take no tokens; None when it wasn't asked.
    """

    up: bool
    ready: Mapping[str, int]
    alarms: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """One consistent picture. What is not known is None or missing, never 0.

    `waiting_for` counts the live workers that find a part down, for every part; empty without a live worker.
    `slots_waiting` are the free slots of such workers, which take nothing. `now` is the database's time.
    """

    now: float
    backlog: Backlog
    workers_alive: int
    workers_silent: int
    slots: int
    slots_busy: int
    slots_waiting: int
    waiting_for: Mapping[Part, int]
    sweeper_ran_at: float | None
    broker: BrokerReport | None
    agents: Mapping[UUID, str]
    deleted_agents: Mapping[UUID, str]
    models: frozenset[str]
    queues_paused: Mapping[str, datetime | None]
    agents_paused: Sequence[str]

    @property
    def slots_idle(self) -> int:
        """Free slots of workers that may claim."""
        return max(self.slots - self.slots_busy - self.slots_waiting, 0)


_WORKERS = text(f"""
WITH present AS (
    SELECT id, slots, waiting_for, {alive_sql("workers")} AS alive
    FROM workers WHERE stopped_at IS NULL)
SELECT count(*) FILTER (WHERE alive) AS alive, count(*) FILTER (WHERE NOT alive) AS silent,
       coalesce(sum(slots) FILTER (WHERE alive), 0)::int AS slots,
       greatest(coalesce(sum(slots) FILTER (WHERE alive AND waiting_for <> '{{}}'), 0)::int - (
           SELECT count(*)::int FROM leases l JOIN present p ON p.id = l.worker_id
           WHERE p.alive AND p.waiting_for <> '{{}}'), 0) AS slots_waiting,
       (SELECT count(*) FROM leases l JOIN present p ON p.id = l.worker_id WHERE p.alive) AS busy
FROM present""")
_WAITING_FOR = text(f"""
SELECT part, count(*) AS workers FROM workers, unnest(waiting_for) part
WHERE {alive_sql("workers")} GROUP BY part""")
_HEARTBEATS = text(f"""
SELECT part, extract(epoch FROM ran_at)::float AS ran_at, details,
       ran_at > now() - interval '{BROKER_REPORT_VALID_S} seconds' AS fresh
FROM heartbeats WHERE part IN ('sweeper', 'broker')""")
_AGENTS = text("""
SELECT id, slug, chat_model, deleted_at IS NOT NULL AS deleted, paused_at IS NOT NULL AS paused FROM agents""")
_QUEUES = text("SELECT name, paused_at FROM queues")


def read_stats(conn: Connection) -> Stats:
    """Read all figures; the caller's transaction must be REPEATABLE READ for them to agree with one another."""
    workers = conn.execute(_WORKERS).one()
    heartbeats = {row.part: row for row in conn.execute(_HEARTBEATS)}
    agents = list(conn.execute(_AGENTS))
    return Stats(
        now=read_clock(conn),
        backlog=read_backlog(conn),
        workers_alive=workers.alive,
        workers_silent=workers.silent,
        slots=workers.slots,
        slots_busy=workers.busy,
        slots_waiting=workers.slots_waiting,
        waiting_for=_read_waiting_for(conn) if workers.alive else {},
        sweeper_ran_at=heartbeats["sweeper"].ran_at if "sweeper" in heartbeats else None,
        broker=_broker_report(heartbeats["broker"].details) if _fresh(heartbeats.get("broker")) else None,
        agents={row.id: row.slug for row in agents if not row.deleted},
        deleted_agents={row.id: row.slug for row in agents if row.deleted},
        models=frozenset(row.chat_model for row in agents if not row.deleted),
        queues_paused=dict.fromkeys(QUEUE_NAMES) | {row.name: row.paused_at for row in conn.execute(_QUEUES)},
        agents_paused=sorted(row.slug for row in agents if row.paused and not row.deleted),
    )


def _read_waiting_for(conn: Connection) -> dict[Part, int]:
    counts = dict.fromkeys(Part, 0)
    for row in conn.execute(_WAITING_FOR):
        counts[Part(row.part)] = row.workers
    return counts


def _fresh(row: object) -> bool:
    return bool(getattr(row, "fresh", False))


def _broker_report(details: Mapping[str, object]) -> BrokerReport | None:
    up, ready, alarms = details.get("up"), details.get("ready"), details.get("alarms")
    if not isinstance(up, bool):
        return None
    known = ready if isinstance(ready, dict) else {}
    return BrokerReport(
        up,
        {name: known[name] for name in QUEUE_NAMES if isinstance(known.get(name), int)},
        frozenset(alarms) & ALARMS if isinstance(alarms, list) else None,
    )
