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
from relais.store.transitions import states_sql

# Watchers, the monitor's counts and a late worker's last look at its job are over by then.
WATCHED_S = 120.0

_ENDED = f"j.state IN {states_sql(TERMINAL)} AND {MATCHES}"
# The newest that may go: `keep` matching jobs, of whatever age, are newer than it.
_NEWEST_TO_GO = f"""
    SELECT j.finished_at, j.id FROM jobs j WHERE {_ENDED}
    ORDER BY j.finished_at DESC, j.id DESC OFFSET :keep LIMIT 1"""
_CLEANABLE = f"""{_ENDED}
    AND j.finished_at < now() - make_interval(secs => :ended_s_ago)
    AND (j.finished_at, j.id) <= ({_NEWEST_TO_GO})
    -- The watermark is the highest ticket claimed, and until the sweeper has stored it, it is read from this row.
    AND (j.claimed_ticket IS NULL OR EXISTS (
        SELECT FROM lanes l
        WHERE l.queue = j.queue AND l.priority = j.priority AND l.watermark >= j.claimed_ticket))
    -- The times that clients are told to wait are measured by these.
    AND j.id <> ALL (ARRAY(SELECT r.id FROM queues q CROSS JOIN LATERAL ({MEASURED}) r))"""
_OLDEST_FIRST = "ORDER BY j.finished_at, j.id LIMIT :limit"

_COUNT = text(f"SELECT count(*) FROM jobs j WHERE {_CLEANABLE}")
_FIND = text(f"SELECT j.id FROM jobs j WHERE {_CLEANABLE} {_OLDEST_FIRST}")
_CLEAN = moving_out(f"""
    SELECT j.id, j.finished_at FROM jobs j WHERE {_CLEANABLE} {_OLDEST_FIRST} FOR UPDATE OF j SKIP LOCKED""")


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
