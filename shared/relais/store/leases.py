"""Keeps the leases of a worker's running jobs, and tells it which it has lost and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, text

Standing = Literal["held", "cancelled", "superseded"]


@dataclass(frozen=True, slots=True)
class LeaseReport:
    """How a worker's attempt stands after a heartbeat."""

    job_id: UUID
    attempt: int
    standing: Standing


# One round trip: the worker lives, its leases run on, and what it no longer holds comes back with the reason.
_BEAT = text("""
WITH mine AS (
    SELECT * FROM unnest(CAST(:job_ids AS uuid[]), CAST(:attempts AS int[])) AS m(job_id, attempt)),
held AS (
    SELECT l.job_id FROM leases l JOIN mine USING (job_id, attempt)
    WHERE l.worker_id = :worker_id ORDER BY l.job_id FOR UPDATE OF l),
renewed AS (
    UPDATE leases l SET expires_at = now() + make_interval(secs => :lease_s)
    FROM held WHERE l.job_id = held.job_id
    RETURNING l.job_id, l.attempt),
alive AS (
    UPDATE workers SET heartbeat_at = now(), stopped_at = NULL, waiting_for = CAST(:waiting_for AS text[])
    WHERE id = :worker_id
    -- No disk is waited for: nobody is judged by a beat from before a crash of the database.
    RETURNING set_config('synchronous_commit', 'off', true))
SELECT mine.job_id, mine.attempt, renewed.job_id IS NOT NULL AS held, j.state = 'cancelled' AS cancelled
FROM mine LEFT JOIN renewed USING (job_id, attempt) LEFT JOIN every_job j ON j.id = mine.job_id""")

_HELD_BY = text("SELECT job_id, attempt FROM leases WHERE worker_id = :worker_id")


def beat(
    conn: Connection,
    *,
    worker_id: int,
    lease_s: float,
    running: Sequence[tuple[UUID, int]],
    waiting_for: Sequence[str] = (),
) -> list[LeaseReport]:
    """Renew the leases of the attempts in `running` (job id, attempt); record that the worker lives.

    `waiting_for` names the parts that it finds down: while there are any, it claims nothing.
    """
    rows = conn.execute(
        _BEAT,
        {
            "worker_id": worker_id,
            "lease_s": lease_s,
            "job_ids": [job_id for job_id, _ in running],
            "attempts": [attempt for _, attempt in running],
            "waiting_for": list(waiting_for),
        },
    )
    return [LeaseReport(row.job_id, row.attempt, _standing(row.held, row.cancelled)) for row in rows]


def held_by(conn: Connection, worker_id: int) -> list[tuple[UUID, int]]:
    """The leases of a worker, as job id and attempt."""
    return [(row.job_id, row.attempt) for row in conn.execute(_HELD_BY, {"worker_id": worker_id})]


def _standing(held: bool, cancelled: bool | None) -> Standing:
    if held:
        return "held"
    return "cancelled" if cancelled else "superseded"
