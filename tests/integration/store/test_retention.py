"""Which jobs leave the hot table, and that a preview tells just those."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from relais.lifecycle import State
from relais.store.bulk import JobFilter
from relais.store.jobs import cancel_job
from relais.store.line import read_lines
from relais.store.retention import clean_matching, count_cleanable, find_cleanable
from relais.store.settle import settle_completed
from relais.store.sweep import advance_watermarks
from support.past import ended_ago, make_ended, move, table_of
from support.seeding import accept_many, answer, claim, make_agent, make_worker

DONE, FAILED, CANCELLED = State.COMPLETED, State.FAILED, State.CANCELLED


@pytest.fixture
def worker(engine: Engine) -> int:
    """A worker."""
    return make_worker(engine)


def _in_hot(engine: Engine) -> set[UUID]:
    with engine.begin() as conn:
        return set(conn.execute(text("SELECT id FROM jobs")).scalars())


def _old(engine: Engine, worker: int, states: Sequence[State], interval: str = "2 h") -> list[UUID]:
    jobs = make_ended(engine, make_agent(engine), worker, states)
    ended_ago(engine, jobs, interval)
    return jobs


def test_every_column_arrives_as_it_was(engine: Engine, worker: int):
    """A job looks the same in either table, whatever its state."""
    _old(engine, worker, [DONE, FAILED, CANCELLED])
    with engine.begin() as conn:
        before = conn.execute(text("SELECT * FROM every_job ORDER BY id")).all()
    assert len(move(engine)) == 3
    with engine.begin() as conn:
        assert conn.execute(text("SELECT * FROM every_job ORDER BY id")).all() == before
    assert _in_hot(engine) == set()


def test_what_waits_or_runs_stays(engine: Engine, worker: int):
    """However old it is, a job that has not ended is not moved."""
    agent = make_agent(engine)
    running, waiting = accept_many(engine, agent, 2)
    claim(engine, worker)
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET created_at = now() - interval '1 year'"))
    assert move(engine) == []
    assert _in_hot(engine) == {running, waiting}


def test_who_ended_just_now_stays(engine: Engine, worker: int):
    """For two minutes watchers, counts and late workers find a job where it was, whatever the filter says."""
    young, old = _old(engine, worker, [FAILED, FAILED])
    ended_ago(engine, [young], "110 s")
    ended_ago(engine, [old], "130 s")
    assert move(engine, JobFilter(older_than_s=0.0)) == [old]


def test_age_counts_from_the_end(engine: Engine, worker: int):
    """A job that was accepted long ago and ended late is young."""
    late, early = _old(engine, worker, [FAILED, FAILED])
    ended_ago(engine, [late], "6 days")
    ended_ago(engine, [early], "8 days")
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET created_at = now() - interval '1 year'"))
    assert move(engine, JobFilter(state=FAILED, older_than_s=7 * 86_400)) == [early]


def test_the_newest_are_kept(engine: Engine, worker: int):
    """`keep` leaves the matching jobs that ended last, and counts no other."""
    jobs = _old(engine, worker, [DONE, DONE, FAILED, DONE, FAILED, DONE])
    done = [jobs[0], jobs[1], jobs[3], jobs[5]]
    assert move(engine, JobFilter(state=DONE), keep=3) == done[:1]
    assert move(engine, JobFilter(state=DONE), keep=3) == []
    assert move(engine, JobFilter(state=DONE), keep=0) == done[1:]
    assert _in_hot(engine) == {jobs[2], jobs[4]}


def test_the_young_count_among_those_kept(engine: Engine, worker: int):
    """Of three jobs with `keep=1` and an age, only the old ones beyond the newest go."""
    jobs = _old(engine, worker, [DONE, DONE, DONE], "3 h")
    ended_ago(engine, jobs[1:], "90 min")
    assert move(engine, JobFilter(state=DONE, older_than_s=2 * 3_600), keep=1) == [jobs[0]]
    assert move(engine, JobFilter(state=DONE), keep=1) == [jobs[1]]


def test_a_limit_takes_those_that_ended_first(engine: Engine, worker: int):
    """A canary moves the oldest, the rest follows."""
    jobs = _old(engine, worker, [FAILED] * 4)
    ended_ago(engine, [jobs[2]], "5 h")
    assert move(engine, limit=2) == [jobs[2], jobs[0]]
    assert move(engine) == [jobs[1], jobs[3]]


@pytest.mark.parametrize(
    ("which", "keep"),
    [
        (JobFilter(), None),
        (JobFilter(state=DONE), None),
        (JobFilter(state=DONE), 2),
        (JobFilter(state=DONE), 2**31 - 1),
        (JobFilter(state=FAILED, error_code="model_rejected"), None),
        (JobFilter(error_code="other"), None),
        (JobFilter(kind="ingest"), None),
        (JobFilter(state=State.QUEUED), None),
        (JobFilter(older_than_s=86_400.0), None),
    ],
    ids=[
        "all",
        "completed",
        "completed-keep-2",
        "completed-keep-all",
        "by-error",
        "other-error",
        "other-kind",
        "waiting",
        "too-young",
    ],
)
def test_a_preview_names_just_what_would_move(engine: Engine, worker: int, which: JobFilter, keep: int | None):
    """Count and list of the preview are those of the move."""
    _old(engine, worker, [DONE, FAILED, DONE, CANCELLED, DONE, DONE])
    with engine.begin() as conn:
        advance_watermarks(conn)
        count = count_cleanable(conn, which, keep=keep)
        found = find_cleanable(conn, which, keep=keep, limit=100)
        moved = clean_matching(conn, which, keep=keep, limit=100)
        assert count_cleanable(conn, which, keep=keep) == 0
    assert (found, count) == (moved, len(moved))


def test_a_claimed_ticket_that_no_watermark_has_passed_keeps_its_job(engine: Engine, worker: int):
    """The highest ticket claimed is read from its job until the sweeper has stored it: positions depend on it."""
    (job,) = _old(engine, worker, [FAILED])
    ahead = accept_many(engine, make_agent(engine), 2)[0]
    with engine.begin() as conn:
        assert clean_matching(conn, JobFilter(), keep=None, limit=10) == []
    assert move(engine) == [job]
    with engine.begin() as conn:
        ticket = conn.execute(text("SELECT ticket FROM jobs WHERE id = :id"), {"id": ahead}).scalar_one()
        assert read_lines(conn).position("ai-messages", 0, ticket) == 1


def test_a_job_that_was_never_claimed_may_go(engine: Engine, worker: int):
    """A message that was cancelled while it waited has left a hole, which stays."""
    agent = make_agent(engine)
    cancelled, waiting = accept_many(engine, agent, 2)
    with engine.begin() as conn:
        assert cancel_job(conn, cancelled)
    ended_ago(engine, [cancelled], "2 h")
    assert move(engine) == [cancelled]
    with engine.begin() as conn:
        assert conn.execute(text("SELECT ticket FROM ticket_holes")).scalars().all() == [1]
        assert read_lines(conn).position("ai-messages", 0, 2) == 1
    assert table_of(engine, waiting) == ["jobs"]


def test_the_jobs_that_the_pace_is_measured_by_stay(engine: Engine, worker: int):
    """What a client is told to wait does not change because jobs were moved."""
    agent = make_agent(engine)
    jobs = make_ended(engine, agent, worker, [DONE] * 60)
    ended_ago(engine, jobs, "50 min")
    with engine.begin() as conn:
        before = read_lines(conn).pace["ai-messages"].mean_s
    assert move(engine) == jobs[:10]
    with engine.begin() as conn:
        assert read_lines(conn).pace["ai-messages"].mean_s == before


def test_one_whose_row_is_locked_is_left_for_later(engine: Engine, worker: int):
    """Moving waits for nobody, so that it can't be part of a deadlock."""
    first, second = _old(engine, worker, [FAILED, FAILED])
    with engine.begin() as other:
        other.execute(text("SELECT FROM jobs WHERE id = :id FOR UPDATE"), {"id": first})
        assert move(engine) == [second]
    assert move(engine) == [first]


def test_an_ended_job_of_a_busy_session_may_go(engine: Engine, worker: int):
    """The session's next message waits or runs on, and nobody's turn changes."""
    agent = make_agent(engine)
    (first,) = make_ended(engine, agent, worker, [DONE])
    ended_ago(engine, [first], "2 h")
    second = accept_many(engine, agent, 1, session_id=_session_of(engine, first))[0]
    assert move(engine) == [first]
    job = claim(engine, worker)
    assert job.id == second
    with engine.begin() as conn:
        assert settle_completed(conn, second, 1, answer())


def _session_of(engine: Engine, job: UUID) -> UUID:
    with engine.begin() as conn:
        return conn.execute(text("SELECT session_id FROM messages WHERE id = :id"), {"id": job}).scalar_one()
