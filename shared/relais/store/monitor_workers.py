"""Lists the worker processes with what each has in hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from relais.store.monitor_jobs import short_sql

_MOST = 200


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job in the hands of a worker; `lease_s` until its lease ends, negative once it has."""

    ref: str
    kind: str
    agent: str
    attempt: int
    runs_s: float
    lease_s: float


@dataclass(frozen=True, slots=True)
class ListedWorker:
    """A worker process; one that stopped is listed for ten minutes more.

    Args:
        id: in the register.
        name: host and process.
        version: of Relais.
        queues: that it serves.
        slots: jobs that it runs at once.
        up_s: since it started.
        seen_s: since its last heartbeat.
        stopped: it said goodbye, or was declared dead.
        waiting_for: parts that it finds down; while there are any it claims nothing.
        jobs: that it has in hand.
    """

    id: int
    name: str
    version: str
    queues: Sequence[str]
    slots: int
    up_s: float
    seen_s: float
    stopped: bool
    waiting_for: Sequence[str]
    jobs: Sequence[HeldJob]


_WORKERS = text(f"""
SELECT w.id, w.name, w.version, w.queues, w.slots, extract(epoch FROM now() - w.started_at)::float AS up_s,
       extract(epoch FROM now() - w.heartbeat_at)::float AS seen_s, w.stopped_at IS NOT NULL AS stopped, w.waiting_for,
       coalesce(held.jobs, '[]') AS jobs
FROM workers w LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
        'ref', {short_sql("j.id")}, 'kind', j.kind, 'agent', split_part(a.slug, '~', 1), 'attempt', l.attempt,
        'runs_s', extract(epoch FROM now() - j.started_at), 'lease_s', extract(epoch FROM l.expires_at - now()))
        ORDER BY j.started_at, j.id) AS jobs
    FROM leases l JOIN jobs j ON j.id = l.job_id JOIN agents a ON a.id = j.agent_id
    WHERE l.worker_id = w.id) held ON true
WHERE w.stopped_at IS NULL OR w.stopped_at > now() - interval '10 minutes' OR held.jobs IS NOT NULL
ORDER BY w.stopped_at IS NOT NULL, w.id DESC LIMIT {_MOST}""")


def list_workers(conn: Connection) -> list[ListedWorker]:
    """Those that work first, the newest first, at most 200."""
    return [_listed(dict(row._mapping)) for row in conn.execute(_WORKERS)]  # noqa: SLF001 -- SQLAlchemy's public name


def _listed(values: dict[str, Any]) -> ListedWorker:
    return ListedWorker(**(values | {"jobs": [HeldJob(**job) for job in values["jobs"]]}))
