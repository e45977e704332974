"""Claims the next job of a queue: the only way a job starts to be worked on.

`attempt` rises before any work, so that a killed process still counts (DESIGN.md §2, rule 1). A token from the broker
says only that there is work; which job is next is decided here.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from relais.lifecycle import CLAIM
from relais.queues import AI_MESSAGES
from relais.store.transitions import LIVE_SQL, WAITING_SQL, transition

_PAUSED = "SELECT a.id FROM agents a WHERE a.paused_at IS NOT NULL"
# Where the first message of an agent that isn't paused waits; the start of the line while none is, and for documents.
# A paused agent may hold the whole head of the line, and a walk past 60,000 of its messages takes 60 ms a claim.
_FIRST_UNPAUSED = f"""
    SELECT start.priority, start.ticket FROM (
        SELECT CAST(-32768 AS smallint) AS priority, CAST(0 AS bigint) AS ticket
        WHERE :queue <> '{AI_MESSAGES.name}' OR NOT EXISTS ({_PAUSED})
        UNION ALL
        SELECT head.priority, head.ticket
        FROM agents a CROSS JOIN LATERAL (
            SELECT w.priority, w.ticket FROM jobs w
            WHERE w.agent_id = a.id AND w.queue = '{AI_MESSAGES.name}' AND w.state IN {WAITING_SQL}
            ORDER BY w.priority, w.ticket LIMIT 1) head
        WHERE a.paused_at IS NULL AND EXISTS ({_PAUSED})
    ) start ORDER BY start.priority, start.ticket LIMIT 1"""

# Of the jobs `o`, those that must end before `j` may begin.
EARLIER_IN_SESSION = f"""o.serial_key = j.serial_key AND o.id <> j.id AND o.state IN {LIVE_SQL}
        AND (o.state = 'processing' OR (o.priority, o.ticket) < (j.priority, j.ticket))"""

# Jobs of one session (or one document) run one after another: neither one that runs nor an earlier one that waits.
# OFFSET 0 keeps both conditions from becoming joins: the planner takes such a join for one that leaves a single row
# and sorts the whole line for it (0.2 s a claim with 60,000 waiting); a walk along `jobs_line_idx` finds the first.
# Whether the queue is paused is asked by its name, so that it is asked once: a paused line isn't walked at all.
IN_TURN = f"""(j.run_at IS NULL OR j.run_at <= now())
    AND NOT EXISTS (SELECT FROM queues q WHERE q.name = :queue AND q.paused_at IS NOT NULL OFFSET 0)
    AND j.agent_id <> ALL (ARRAY({_PAUSED})) AND (j.priority, j.ticket) >= ({_FIRST_UNPAUSED})
    AND NOT EXISTS (
        SELECT FROM jobs o WHERE {EARLIER_IN_SESSION} OFFSET 0)"""

# What a worker claims that counts as dead would be taken from it at once, at the cost of an attempt.
_COUNTS_AS_ALIVE = "EXISTS (SELECT FROM workers w WHERE w.id = :worker_id AND w.stopped_at IS NULL OFFSET 0)"

_CLAIM = transition(
    CLAIM,
    where=f"j.queue = :queue AND {_COUNTS_AS_ALIVE} AND {IN_TURN}",
    lock="ORDER BY j.priority, j.ticket LIMIT 1 FOR UPDATE OF j SKIP LOCKED",
    assign="""attempt = jobs.attempt + 1, worker_id = :worker_id, started_at = now(), claimed_ticket = jobs.ticket,
        run_at = NULL, error = NULL, error_code = NULL""",
    also=(
        """leased AS (
        INSERT INTO leases (job_id, attempt, worker_id, expires_at)
        SELECT id, attempt, worker_id, now() + make_interval(secs => :lease_s) FROM moved
        ON CONFLICT (job_id) DO UPDATE
        SET attempt = EXCLUDED.attempt, worker_id = EXCLUDED.worker_id, expires_at = EXCLUDED.expires_at)""",
    ),
    returning="""m.id, m.kind, m.queue, m.agent_id, m.subject_id, m.serial_key, m.attempt, m.attempt_limit,
        (SELECT a.deadline_s FROM agents a WHERE a.id = m.agent_id) AS deadline_s,
        (SELECT a.retry_backoff_s FROM agents a WHERE a.id = m.agent_id) AS retry_backoff_s,
        (SELECT a.max_attempts FROM agents a WHERE a.id = m.agent_id) AS max_attempts""",
)


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job in the hands of a worker; `attempt` is its fence."""

    id: UUID
    kind: str
    queue: str
    agent_id: UUID
    subject_id: UUID
    serial_key: UUID
    attempt: int
    attempt_limit: int
    deadline_s: float
    retry_backoff_s: float
    max_attempts: int

    @property
    def last_attempt(self) -> bool:
        """Whether a failure of this attempt is final."""
        return self.attempt >= self.attempt_limit


def claim_next(conn: Connection, *, queue: str, worker_id: int, lease_s: float) -> ClaimedJob | None:
    """Take the first job whose turn it is; None when there is none, which is a normal outcome.

    A worker that the register has as stopped gets none.

    Raises:
        SerialConflict: another worker started a job of the same session in the same instant; nothing was claimed
            and the transaction must be rolled back. Trying again is safe.
    """
    try:
        row = conn.execute(_CLAIM, {"queue": queue, "worker_id": worker_id, "lease_s": lease_s}).one_or_none()
    except IntegrityError as error:
        if "jobs_one_at_a_time_idx" in str(error.orig):
            raise SerialConflict from error
        raise
    return None if row is None else ClaimedJob(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for it


class SerialConflict(Exception):  # noqa: N818 -- an outcome, not an error
    """Two workers reached for the same session at once; the unique index let one through."""
