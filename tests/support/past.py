"""Jobs that ended a while ago: lets them end, and moves them as the sweeper does."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Engine, text

from relais.lifecycle import State
from relais.store.bulk import JobFilter
from relais.store.jobs import cancel_job
from relais.store.retention import clean_matching
from relais.store.settle import settle_completed, settle_failed
from relais.store.sweep import advance_watermarks
from support.seeding import accept_many, answer, claim


def make_ended(engine: Engine, agent: UUID, worker: int, states: Sequence[State]) -> list[UUID]:
    """Accept a message for each terminal state, oldest first, and let it end so; nothing else may wait."""
    return [_end(engine, agent, worker, state) for state in states]


def _end(engine: Engine, agent: UUID, worker: int, state: State) -> UUID:
    (job,) = accept_many(engine, agent, 1)
    claim(engine, worker)
    with engine.begin() as conn:
        if state == State.COMPLETED:
            settle_completed(conn, job, 1, answer())
        elif state == State.FAILED:
            settle_failed(conn, job, 1, error_code="model_rejected", error="No.")
        else:
            cancel_job(conn, job)
    return job


def ended_ago(engine: Engine, jobs: Sequence[UUID], interval: str) -> None:
    """Let jobs have ended `interval` ago, in their order."""
    with engine.begin() as conn:
        conn.execute(
            text("""
            UPDATE jobs SET finished_at = now() - CAST(:interval AS interval) + make_interval(secs => place * 0.001)
            FROM unnest(CAST(:jobs AS uuid[])) WITH ORDINALITY AS old(id, place) WHERE jobs.id = old.id"""),
            {"jobs": list(jobs), "interval": interval},
        )


def move_all(engine: Engine) -> list[UUID]:
    """Move every job that ended into `past_jobs`, as if long ago; return those that moved."""
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET finished_at = finished_at - interval '2 h' WHERE finished_at IS NOT NULL"))
    return move(engine)


def move(engine: Engine, which: JobFilter = JobFilter(), *, keep: int | None = None, limit: int = 1_000) -> list[UUID]:  # noqa: B008 -- frozen
    """Store the watermarks, as the sweeper does each second, and move what may be."""
    with engine.begin() as conn:
        advance_watermarks(conn)
        return clean_matching(conn, which, keep=keep, limit=limit)


def table_of(engine: Engine, job: UUID) -> list[str]:
    """The tables that hold a job."""
    with engine.begin() as conn:
        rows = conn.execute(
            text("SELECT 'jobs' FROM jobs WHERE id = :id UNION ALL SELECT 'past_jobs' FROM past_jobs WHERE id = :id"),
            {"id": job},
        )
        return list(rows.scalars())
