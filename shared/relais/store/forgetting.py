"""Deletes for good what was kept as long as it had to be: past jobs with their texts, the ledger, gone workers.

Each function deletes a small batch, skipping what others have locked, and says how many rows went.
"""

from sqlalchemy import Connection, text

from relais.lifecycle import TERMINAL
from relais.queues import Kind
from relais.store.transitions import states_sql

# An answer goes with its message. A document stays until somebody removes it; here goes the record of its ingestion.
_FORGET_JOBS = text(f"""
WITH old AS (
    SELECT id FROM past_jobs
    WHERE state IN {states_sql(TERMINAL)} AND finished_at < now() - make_interval(days => :days)
    LIMIT :limit FOR UPDATE SKIP LOCKED),
gone AS (
    DELETE FROM past_jobs USING old WHERE past_jobs.id = old.id RETURNING past_jobs.subject_id, past_jobs.kind,
        past_jobs.serial_key),
texts AS (
    DELETE FROM messages USING gone WHERE messages.id = gone.subject_id AND gone.kind = '{Kind.ANSWER}')
SELECT serial_key FROM gone""")
# A session goes with its last message: what is left says only who once wrote. One that is in use is locked.
_FORGET_SESSIONS = text("""
DELETE FROM sessions WHERE id IN (
    SELECT s.id FROM sessions s
    WHERE s.id = ANY(:ids) AND NOT EXISTS (SELECT FROM messages m WHERE m.session_id = s.id)
    FOR UPDATE SKIP LOCKED)""")
_FORGET_EVENTS = text("""
DELETE FROM job_events WHERE id IN (
    SELECT id FROM job_events WHERE at < now() - make_interval(days => :days) LIMIT :limit)""")
_FORGET_WORKERS = text("""
DELETE FROM workers w WHERE w.stopped_at < now() - make_interval(days => :days)
AND NOT EXISTS (SELECT FROM leases l WHERE l.worker_id = w.id)""")


def forget_jobs(conn: Connection, *, older_than_days: int, limit: int) -> int:
    """Delete past jobs that ended longer ago, with their messages and answers, and the sessions left empty."""
    serial_keys = list(conn.execute(_FORGET_JOBS, {"days": older_than_days, "limit": limit}).scalars())
    conn.execute(_FORGET_SESSIONS, {"ids": serial_keys})
    return len(serial_keys)


def forget_events(conn: Connection, *, older_than_days: int, limit: int) -> int:
    """Delete older entries of the ledger."""
    return conn.execute(_FORGET_EVENTS, {"days": older_than_days, "limit": limit}).rowcount


def forget_workers(conn: Connection, *, older_than_days: int) -> int:
    """Delete workers that stopped longer ago from the register; all at once, since they are few."""
    return conn.execute(_FORGET_WORKERS, {"days": older_than_days}).rowcount
