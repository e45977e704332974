"""The figures of this moment: what waits, what runs, who works; read in one snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from relais.lifecycle import State
from relais.parts import Part
from relais.queues import QUEUE_BY_NAME, QUEUE_NAMES, Kind
from relais.store.transitions import LIVE_SQL, WAITING_SQL

# A worker that has been silent for longer does not count as working; the API's readiness uses the same limit.
WORKER_SILENT_AFTER_S = 30
# What the sweeper last saw of the broker says nothing about now once the sweeper is late itself.
BROKER_REPORT_VALID_S = 30


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """The broker as the sweeper saw it within the last seconds; a queue that it could not ask is missing."""

    up: bool
    ready: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stats:
    """One consistent picture. What is not known is None or missing, never 0.

    `waiting_for` counts the live workers that find a part down, for every part; empty without a live worker.
    `slots_waiting` are the free slots of such workers, which take nothing.
    """

    jobs: Mapping[tuple[Kind, State], int]
    oldest_waiting_s: Mapping[Kind, float]
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

    @property
    def slots_idle(self) -> int:
        """Free slots of workers that may claim."""
        return max(self.slots - self.slots_busy - self.slots_waiting, 0)


# Each half is answered from a partial index whose predicate it repeats word for word, the second without the table.
_JOBS = text(f"""
SELECT queue, state, count(*) AS jobs FROM jobs WHERE state IN {LIVE_SQL} GROUP BY queue, state
UNION ALL
SELECT queue, state, count(*) AS jobs FROM jobs WHERE finished_at IS NOT NULL GROUP BY queue, state""")
# A person's retry begins a new wait, and announces the job in the same statement.
_OLDEST_WAITING = text(f"""
SELECT queue, extract(epoch FROM now() - min(CASE WHEN attempt = 0 THEN created_at
                                             ELSE coalesce(announced_at, created_at) END))::float AS age_s
FROM jobs WHERE state IN {WAITING_SQL} GROUP BY queue""")
_WORKERS = text(f"""
WITH present AS (
    SELECT id, slots, waiting_for, heartbeat_at > now() - interval '{WORKER_SILENT_AFTER_S} seconds' AS alive
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
WHERE stopped_at IS NULL AND heartbeat_at > now() - interval '{WORKER_SILENT_AFTER_S} seconds' GROUP BY part""")
_HEARTBEATS = text(f"""
SELECT part, extract(epoch FROM ran_at)::float AS ran_at, details,
       ran_at > now() - interval '{BROKER_REPORT_VALID_S} seconds' AS fresh
FROM heartbeats WHERE part IN ('sweeper', 'broker')""")
_AGENTS = text("SELECT id, slug, deleted_at IS NOT NULL AS deleted FROM agents")


def read_stats(conn: Connection) -> Stats:
    """Read all figures; the caller's transaction must be REPEATABLE READ for them to agree with one another."""
    workers = conn.execute(_WORKERS).one()
    heartbeats = {row.part: row for row in conn.execute(_HEARTBEATS)}
    agents = list(conn.execute(_AGENTS))
    return Stats(
        jobs=_read_jobs(conn),
        oldest_waiting_s=_read_oldest(conn),
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
    )


def _read_jobs(conn: Connection) -> dict[tuple[Kind, State], int]:
    counts = {(kind, state): 0 for kind in Kind for state in State}
    for row in conn.execute(_JOBS):
        counts[QUEUE_BY_NAME[row.queue].kind, State(row.state)] = row.jobs
    return counts


def _read_waiting_for(conn: Connection) -> dict[Part, int]:
    counts = dict.fromkeys(Part, 0)
    for row in conn.execute(_WAITING_FOR):
        counts[Part(row.part)] = row.workers
    return counts


def _read_oldest(conn: Connection) -> dict[Kind, float]:
    ages = dict.fromkeys(Kind, 0.0)  # nothing waits: an age of 0 is known, not missing
    for row in conn.execute(_OLDEST_WAITING):
        ages[QUEUE_BY_NAME[row.queue].kind] = max(row.age_s, 0.0)
    return ages


def _fresh(row: object) -> bool:
    return bool(getattr(row, "fresh", False))


def _broker_report(details: Mapping[str, object]) -> BrokerReport | None:
    up, ready = details.get("up"), details.get("ready")
    if not isinstance(up, bool):
        return None
    known = ready if isinstance(ready, dict) else {}
    return BrokerReport(up, {name: known[name] for name in QUEUE_NAMES if isinstance(known.get(name), int)})
