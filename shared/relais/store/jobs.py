"""Moves jobs on a person's or the publisher's behalf: announce, cancel, retry."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from relais.lifecycle import ANNOUNCE, CANCEL, RETRY
from relais.store.past import bring_back_retryable
from relais.store.transitions import DROP_DRAFT, FREE_LEASE, LOCK_JOBS, PUNCH_HOLE, transition

_BY_IDS = "j.id = ANY(:job_ids)"
_IN_ORDER = "ORDER BY j.id FOR UPDATE OF j"  # the same order everywhere, so that bulk actions can't deadlock

_ANNOUNCE = transition(
    ANNOUNCE,
    where=_BY_IDS,
    assign="announced_at = now()",
    lock="ORDER BY j.id FOR UPDATE OF j SKIP LOCKED",  # one that a worker is claiming needs no announcement
    # A crash that forgets an announcement costs another one. A reply waits for this commit, so it waits for no disk.
    returning="m.id, set_config('synchronous_commit', 'off', true)",
)
# A running job's lease goes with it: its worker learns so at its next heartbeat, and the fence drops its result.
_CANCEL = transition(
    CANCEL,
    where=_BY_IDS,
    lock=_IN_ORDER,
    assign="finished_at = now(), run_at = NULL",
    also=(FREE_LEASE, DROP_DRAFT, PUNCH_HOLE),
)
_RETRY = transition(
    RETRY,
    where=_BY_IDS,
    lock=_IN_ORDER,
    before=(
        """numbered AS (
        SELECT t.id, j.queue, j.priority, a.max_attempts,
               row_number() OVER (PARTITION BY j.queue, j.priority ORDER BY j.ticket) AS place,
               count(*) OVER (PARTITION BY j.queue, j.priority) AS lane_size
        FROM target t JOIN jobs j USING (id) JOIN agents a ON a.id = j.agent_id)""",
        """lane AS (
        UPDATE lanes SET last_ticket = last_ticket + n.lane_size
        FROM (SELECT l.queue, l.priority, n.lane_size
              FROM lanes l JOIN (SELECT DISTINCT queue, priority, lane_size FROM numbered) n USING (queue, priority)
              ORDER BY l.queue, l.priority FOR UPDATE OF l) n
        WHERE lanes.queue = n.queue AND lanes.priority = n.priority
        RETURNING lanes.queue, lanes.priority, lanes.last_ticket)""",
    ),
    using="JOIN numbered USING (id) JOIN lane USING (queue, priority)",
    assign="""ticket = lane.last_ticket - numbered.lane_size + numbered.place,
        attempt_limit = jobs.attempt + numbered.max_attempts, announced_at = now(), run_at = NULL, finished_at = NULL,
        claimed_ticket = coalesce(jobs.claimed_ticket, 0), error = NULL, error_code = NULL""",
)


def mark_announced(conn: Connection, job_ids: Sequence[UUID]) -> list[UUID]:
    """`pending` to `queued` for jobs whose tokens the broker has confirmed; return those that moved."""
    return [row.id for row in conn.execute(_ANNOUNCE, {"job_ids": list(job_ids)})]


def cancel_jobs(conn: Connection, job_ids: Sequence[UUID]) -> list[UUID]:
    """Cancel those that wait or run; return the ids that moved."""
    # Who waited for a claim's lock would go on with the new row, but with a snapshot that hasn't its lease.
    conn.execute(LOCK_JOBS, {"job_ids": list(job_ids)})
    return [row.id for row in conn.execute(_CANCEL, {"job_ids": list(job_ids)})]


def retry_jobs(conn: Connection, job_ids: Sequence[UUID]) -> list[UUID]:
    """Put failed and cancelled jobs back with new tickets, in the order of the old; return the ids that moved.

    Past jobs too: attempt and ledger go on where they ended.
    """
    bring_back_retryable(conn, job_ids)
    return [row.id for row in conn.execute(_RETRY, {"job_ids": list(job_ids)})]


def cancel_job(conn: Connection, job_id: UUID) -> bool:
    """Cancel one; False when it had already ended."""
    return bool(cancel_jobs(conn, [job_id]))


def retry_job(conn: Connection, job_id: UUID) -> bool:
    """Retry one; False when it is neither failed nor cancelled."""
    return bool(retry_jobs(conn, [job_id]))
