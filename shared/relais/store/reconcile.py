"""Reads what a queue's rows, its leases and the broker's tokens say of one another."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from relais.store.line import count_waiting
from relais.store.stats import BROKER_REPORT_VALID_S
from relais.store.sweep import UNANNOUNCED_AFTER_S, count_eligible

_MOST = 10_000  # counted: a figure above means "at least"

_COUNTS = text(f"""
SELECT (SELECT q.paused_at IS NOT NULL FROM queues q WHERE q.name = :queue) AS paused,
       (SELECT count(*) FROM (
            SELECT FROM jobs j WHERE j.state = 'pending' AND j.queue = :queue LIMIT {_MOST}) waiting) AS pending,
       (SELECT count(*) FROM jobs j WHERE j.state = 'processing' AND j.queue = :queue) AS processing,
       (SELECT count(*) FROM leases l JOIN jobs j ON j.id = l.job_id WHERE j.queue = :queue) AS leases,
       b.up, b.ready
FROM (SELECT 1) one LEFT JOIN LATERAL (
    SELECT (details ->> 'up')::boolean AS up, (details -> 'ready' ->> CAST(:queue AS text))::int AS ready
    FROM heartbeats WHERE part = 'broker' AND ran_at > now() - interval '{BROKER_REPORT_VALID_S} seconds') b ON true""")
_UNANNOUNCED = text("""
SELECT j.id FROM jobs j
WHERE j.state = 'pending' AND j.queue = :queue AND j.created_at < now() - make_interval(secs => :older_than_s)
ORDER BY j.created_at, j.ticket LIMIT :limit""")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A queue, and what would bring its rows and the broker together.

    Args:
        paused: whether nobody claims from it.
        waiting: rows that wait.
        pending: those of them that nobody announced, counted up to ten thousand.
        eligible: those of them that could start at once, counted up to ten thousand.
        processing: rows that are worked on.
        leases: that there are for the queue's rows.
        broker_up: as the sweeper saw it lately; None: not known.
        tokens_ready: in the broker, as the sweeper saw lately; None: not known.
        unannounced: the `pending` rows to announce, oldest first, up to the limit.
        limit: most rows to announce, and most tokens to publish.
    """

    paused: bool
    waiting: int
    pending: int
    eligible: int
    processing: int
    leases: int
    broker_up: bool | None
    tokens_ready: int | None
    unannounced: Sequence[UUID]
    limit: int

    @property
    def missing_tokens(self) -> int:
        """Tokens to publish; where it isn't known how many there are, one for each job: too many do no harm."""
        return min(max(self.eligible - (self.tokens_ready or 0), 0), self.limit)


def read_reconciliation(conn: Connection, queue: str, *, limit: int) -> Reconciliation:
    """Read a queue; the caller's transaction must be REPEATABLE READ for the figures to agree with one another."""
    row = conn.execute(_COUNTS, {"queue": queue}).one()
    stale = conn.execute(_UNANNOUNCED, {"queue": queue, "older_than_s": UNANNOUNCED_AFTER_S, "limit": limit})
    return Reconciliation(
        paused=row.paused,
        waiting=count_waiting(conn, queue),
        pending=row.pending,
        eligible=0 if row.paused else count_eligible(conn, queue=queue, limit=_MOST),
        processing=row.processing,
        leases=row.leases,
        broker_up=row.up,
        tokens_ready=row.ready,
        unannounced=[found.id for found in stale],
        limit=limit,
    )
