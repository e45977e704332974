"""Keeps the hot table small: moves jobs that ended into `past_jobs`, by age and by count.

The sweeper and a person's `clean` share one selection. Nothing that a client can see changes by a move.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from relais.lifecycle import TERMINAL
from relais.store.bulk import MATCHES, JobFilter
from relais.store.line import MEASURED
from relais.store.past import moving_out

# Watchers, the monitor's counts and a late worker's last look at its job are over by then.
WATCHED_S = 120.0

# Both are walks along `jobs_finished_idx`, one for each queue and state, however many jobs have ended.
_STATES = ", ".join(f"('{state}')" for state in sorted(TERMINAL))
_WALKS = f"queues q CROSS JOIN (VALUES {_STATES}) AS s(state)"
_ENDED = f"j.queue = q.name AND j.state = s.state AND j.finished_at IS NOT NULL AND {MATCHES}"
# The newest that may go: `keep` matching jobs, of whatever age, are newer than it.
_NEWEST_TO_GO = f"""
    SELECT n.finished_at, n.id FROM {_WALKS} CROSS JOIN LATERAL (
        SELECT j.finished_at, j.id FROM jobs j WHERE {_ENDED}
        ORDER BY j.finished_at DESC, j.id DESC LIMIT CAST(:keep AS bigint) + 1) n
    ORDER BY n.finished_at DESC, n.id DESC OFFSET :keep LIMIT 1"""
_CLEANABLE = f"""{_ENDED}
    AND j.finished_at < now() - make_interval(secs => :ended_s_ago)
    AND (j.finished_at, j.id) <= ({_NEWEST_TO_GO})
    -- The watermark is the highest ticket claimed, and until the sweeper has stored it, it is read from this row.
    AND (j.claimed_ticket IS NULL OR EXISTS (
        SELECT FROM lanes l
        WHERE l.queue = j.queue AND l.priority = j.priority AND l.watermark >= j.claimed_ticket))
    -- The times that clients are told to wait are measured by these.
    AND j.id <> ALL (ARRAY(SELECT r.id FROM queues q CROSS JOIN LATERAL ({MEASURED}) r))"""


def _oldest_first(lock: str = "") -> str:
    return f"""
    SELECT c.id, c.finished_at FROM {_WALKS} CROSS JOIN LATERAL (
        SELECT j.id, j.finished_at FROM jobs j WHERE {_CLEANABLE}
        ORDER BY j.finished_at, j.id LIMIT :limit {lock}) c
    ORDER BY c.finished_at, c.id LIMIT :limit"""


_COUNT = text(f"SELECT count(*) FROM {_WALKS} JOIN jobs j ON {_CLEANABLE}")
_FIND = text(_oldest_first())
_CLEAN = moving_out(_oldest_first("FOR UPDATE OF j SKIP LOCKED"))


def count_cleanable(conn: Connection, which: JobFilter, *, keep: int | None) -> int:
    """How many jobs `clean_matching` would move without a limit."""
    return int(conn.execute(_COUNT, _bind(which, keep)).scalar_one())


def find_cleanable(conn: Connection, which: JobFilter, *, keep: int | None, limit: int) -> list[UUID]:
    """The jobs that `clean_matching` would move, in its order."""
    return list(conn.execute(_FIND, _bind(which, keep) | {"limit": limit}).scalars())


def clean_matching(conn: Connection, which: JobFilter, *, keep: int | None, limit: int) -> list[UUID]:
    """Move up to `limit` matching jobs that ended into `past_jobs`, the longest finished first; return their ids.

    Args:
        conn: an open connection, in a transaction.
        which: the filter; its `older_than_s` counts from the end of the job here, and is never below `WATCHED_S`.
        keep: so many matching jobs stay, those that ended last, of whatever age; None keeps none.
        limit: most jobs to move.
    """
    return list(conn.execute(_CLEAN, _bind(which, keep) | {"limit": limit}).scalars())


def _bind(which: JobFilter, keep: int | None) -> dict[str, Any]:
    return which.bind() | {
        "older_than_s": None,  # by the time of acceptance
        "ended_s_ago": max(which.older_than_s or 0.0, WATCHED_S),
        "keep": keep or 0,
    }
