"""What must hold after any fault: the promise, as assertions on the database; and that a worker's threads do well."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Engine, text

from relais_worker.service import WorkerService
from relais_worker.watchdog import LOOKS

_LEFT_LEASES = """
SELECT l.job_id, l.attempt, l.worker_id, j.state, j.attempt AS job_attempt, (
    SELECT string_agg(e.transition || ' ' || e.attempt, ', ' ORDER BY e.id) FROM job_events e WHERE e.job_id = l.job_id
) AS life FROM leases l LEFT JOIN every_job j ON j.id = l.job_id"""


def unfinished(engine: Engine) -> int:
    """How many jobs have not ended."""
    with engine.begin() as conn:
        states = "('pending', 'queued', 'processing')"
        return int(conn.execute(text(f"SELECT count(*) FROM jobs WHERE state IN {states}")).scalar_one())


def times_taken(engine: Engine, transition: str) -> int:
    """How often any job took this transition."""
    with engine.begin() as conn:
        statement = text("SELECT count(*) FROM job_events WHERE transition = :transition")
        return int(conn.execute(statement, {"transition": transition}).scalar_one())


def assert_each_answered_once(engine: Engine, accepted: Collection[UUID | str]) -> None:
    """Every accepted message is completed once, with one answer, by the attempt that its row names."""
    with engine.begin() as conn:
        rows = conn.execute(
            text("""
            SELECT CAST(j.id AS text) AS id, j.state, j.attempt, a.attempt AS answered_by,
                   (SELECT count(*) FROM job_events e
                    WHERE e.job_id = j.id AND e.transition = 'complete') AS completions
            FROM every_job j LEFT JOIN answers a ON a.message_id = j.id WHERE j.kind = 'answer'""")
        ).all()
    assert {row.id for row in rows} == {str(job_id) for job_id in accepted}, "accepted and stored messages differ"
    unsound = [row for row in rows if (row.state, row.answered_by, row.completions) != ("completed", row.attempt, 1)]
    assert not unsound, f"{len(unsound)} of {len(rows)}, the first: {unsound[:3]}"
    assert_ledger_sound(engine)


def assert_ledger_sound(engine: Engine) -> None:
    """Each job's ledger is a chain of states, its attempts rise with each claim, and no lease is left."""
    with engine.begin() as conn:
        broken = conn.execute(
            text("""
            SELECT * FROM (
                SELECT job_id, transition, from_state, attempt,
                       lag(to_state) OVER w AS before, lag(attempt) OVER w AS attempt_before
                FROM job_events WHERE transition <> 'superseded' WINDOW w AS (PARTITION BY job_id ORDER BY id)) e
            WHERE from_state IS DISTINCT FROM before
               OR (transition = 'claim' AND attempt <> attempt_before + 1)""")
        ).all()
        assert not broken, broken[:3]
        left = conn.execute(text(_LEFT_LEASES)).mappings().all()
        assert not left, [dict(lease) for lease in left]


def assert_all_threads_well(service: WorkerService) -> None:
    """The watchdog finds no defect, though it is asked as often as it takes to find one."""
    assert all(service.alive for _ in range(LOOKS))
