"""The statements of the sweeper: each repairs one way in which work can be forgotten."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from relais.lifecycle import EXPIRE, EXPIRE_SPENT
from relais.store.claim import IN_TURN
from relais.store.line import WATERMARK
from relais.store.transitions import DROP_DRAFT, FREE_LEASE, WAITING_SQL, transition

_SWEEP_LOCK = 7_235_003
UNANNOUNCED_AFTER_S = 2.0  # before that, the request that accepted a job is about to announce it

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
_WORKER_GONE = "EXISTS (SELECT FROM workers w WHERE w.id = {id} AND w.stopped_at IS NOT NULL)"
# While the database is away nobody can renew: after its start, the workers get the grace to come back and do so.
_RENEWABLE = "pg_postmaster_start_time() < now() - make_interval(secs => :grace_s)"
_LAPSED = f"(l.expires_at < now() AND {_RENEWABLE} OR {_WORKER_GONE.format(id='l.worker_id')})"
_LOST = _WORKER_GONE.format(id="jobs.worker_id")
_CAUSE = f"""error_code = CASE WHEN {_LOST} THEN 'worker_lost' ELSE 'lease_expired' END,
    error = CASE WHEN {_LOST} THEN 'The worker died while it worked on this.'
            ELSE 'The worker stopped renewing its lease.' END"""
_LEASED = "jobs j JOIN leases l ON l.job_id = j.id"
_OLDEST_FIRST = "ORDER BY l.expires_at LIMIT :limit FOR UPDATE OF j, l SKIP LOCKED"

_EXPIRE = transition(
    EXPIRE,
    source=_LEASED,
    where=f"{_LAPSED} AND j.attempt < j.attempt_limit",
    fence="l.attempt = j.attempt",
    lock=_OLDEST_FIRST,
    assign=f"run_at = NULL, {_CAUSE}",
    also=(FREE_LEASE, DROP_DRAFT),
    returning="m.id, m.attempt, m.worker_id, m.error_code, m.state",
)
_EXPIRE_SPENT = transition(
    EXPIRE_SPENT,
    source=_LEASED,
    where=f"{_LAPSED} AND j.attempt >= j.attempt_limit",
    fence="l.attempt = j.attempt",
    lock=_OLDEST_FIRST,
    assign=f"finished_at = now(), run_at = NULL, {_CAUSE}",
    also=(FREE_LEASE, DROP_DRAFT),
    returning="m.id, m.attempt, m.worker_id, m.error_code, m.state",
)
_COUNT_ELIGIBLE = text(f"""
SELECT count(*) FROM (
    SELECT FROM jobs j WHERE j.queue = :queue AND j.state IN {WAITING_SQL} AND {IN_TURN}
    ORDER BY j.priority, j.ticket LIMIT :limit) eligible""")
_STALE_PENDING = text("""
SELECT id, queue FROM jobs
WHERE state = 'pending' AND created_at < now() - make_interval(secs => :older_than_s)
ORDER BY created_at, ticket LIMIT :limit  -- accepted together, they have one time""")
_ADVANCE_WATERMARKS = text(f"""
UPDATE lanes SET watermark = w.watermark
FROM (SELECT l.queue, l.priority, w.watermark FROM lanes l CROSS JOIN LATERAL (SELECT {WATERMARK} AS watermark) w
      WHERE l.watermark < w.watermark
      ORDER BY l.queue, l.priority FOR UPDATE OF l) w  -- in the order in which accepting takes them
WHERE lanes.queue = w.queue AND lanes.priority = w.priority""")
_FORGET_HOLES = text("""
DELETE FROM ticket_holes h USING lanes l
WHERE l.queue = h.queue AND l.priority = h.priority AND h.ticket <= l.watermark""")
_NOTE = text("""
INSERT INTO heartbeats (part, ran_at, details) VALUES (:part, now(), CAST(:details AS jsonb))
ON CONFLICT (part) DO UPDATE SET ran_at = now(), details = EXCLUDED.details""")


def try_sweep_lock(conn: Connection) -> bool:
    """Take the sweeper's lock until the transaction ends; False when another sweeper has it."""
    return bool(conn.execute(_TRY_LOCK, {"key": _SWEEP_LOCK}).scalar_one())


def expire_leases(conn: Connection, *, grace_s: float, limit: int) -> list[Mapping[str, Any]]:
    """Take jobs from workers that died or stopped renewing: back into the line, or `failed` when attempts are spent.

    No lease lapses within `grace_s` seconds of a start of the database.
    """
    values = {"grace_s": grace_s, "limit": limit}
    moved = [*conn.execute(_EXPIRE, values), *conn.execute(_EXPIRE_SPENT, values)]
    return [row._mapping for row in moved]  # noqa: SLF001 -- SQLAlchemy's public name for it


def count_eligible(conn: Connection, *, queue: str, limit: int) -> int:
    """How many jobs could start at once if there were slots for all, counted up to `limit`."""
    return int(conn.execute(_COUNT_ELIGIBLE, {"queue": queue, "limit": limit}).scalar_one())


def stale_pending(conn: Connection, *, limit: int) -> dict[str, Sequence[UUID]]:
    """Jobs that nobody announced within `UNANNOUNCED_AFTER_S`, oldest first, by queue."""
    by_queue: dict[str, list[UUID]] = {}
    for row in conn.execute(_STALE_PENDING, {"older_than_s": UNANNOUNCED_AFTER_S, "limit": limit}):
        by_queue.setdefault(row.queue, []).append(row.id)
    return dict(by_queue)


def advance_watermarks(conn: Connection) -> None:
    """Persist how far each lane was claimed, so that past jobs can be moved, and forget the holes behind."""
    conn.execute(_ADVANCE_WATERMARKS)
    conn.execute(_FORGET_HOLES)


def note_heartbeat(conn: Connection, part: str, details: Mapping[str, Any]) -> None:
    """Record that a part without a row of its own ran just now, with what it saw."""
    conn.execute(_NOTE, {"part": part, "details": json.dumps(details)})
