"""Moves finished jobs out of the table that claims work on, and back: a job is in exactly one of the two.

A move is one statement, so that every snapshot of the view `every_job` shows the job once. Who moves jobs out skips
what others have locked; who moves them back waits for it, and looks into `past_jobs` only then.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from relais.lifecycle import RETRY
from relais.store.schema import jobs
from relais.store.transitions import LOCK_JOBS, states_sql

_COLUMNS = ", ".join(column.name for column in jobs.columns)
_RETRYABLE = f"id = ANY(:job_ids) AND state IN {states_sql(RETRY.sources)}"

_RETRY_LOCK = 7_235_005
# Retries take rows of two tables one after the other; two at once could each hold what the other one needs.
_TAKE_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
_BRING_BACK = text(f"""
WITH back AS (
    DELETE FROM past_jobs USING (SELECT id FROM past_jobs WHERE {_RETRYABLE} ORDER BY id FOR UPDATE) mine
    WHERE past_jobs.id = mine.id
    RETURNING past_jobs.*)
INSERT INTO jobs ({_COLUMNS}) SELECT {_COLUMNS} FROM back""")


def moving_out(candidates: str) -> TextClause:
    """Build the statement that moves jobs to `past_jobs` and yields their ids, the longest finished first.

    `candidates` selects `id` and `finished_at` from `jobs` and locks the rows with SKIP LOCKED. It must leave out every
    job whose claimed ticket its lane's watermark has not passed: the watermark is read from `jobs` too (see `line`).
    """
    return text(f"""
WITH target AS ({candidates}),
gone AS (
    DELETE FROM jobs USING target WHERE jobs.id = target.id RETURNING jobs.*),
kept AS (
    INSERT INTO past_jobs ({_COLUMNS}) SELECT {_COLUMNS} FROM gone RETURNING id)
SELECT target.id FROM target JOIN kept USING (id) ORDER BY target.finished_at, target.id""")


def bring_back_retryable(conn: Connection, job_ids: Sequence[UUID]) -> None:
    """Move those of the jobs that are past and failed or cancelled back, as they were, for a retry to find them.

    Those of them that are in the hot table stay locked, so that nobody moves them out before the retry. One retry at a
    time: the transaction holds an advisory lock to its end.
    """
    values = {"job_ids": list(job_ids)}
    conn.execute(_TAKE_LOCK, {"key": _RETRY_LOCK})
    # What the sweeper is moving out at this moment has arrived in `past_jobs` when this statement returns. Whatever
    # their state: one that is cancelled before the retry would be locked by it out of order.
    conn.execute(LOCK_JOBS, values)
    conn.execute(_BRING_BACK, values)
