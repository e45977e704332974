"""A past job is where it was, for everybody but the claim."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from relais.lifecycle import State
from relais.refs import ref_of
from relais.store.accept import accept_ingestion
from relais.store.bulk import JobFilter, count_retryable, find_retryable
from relais.store.documents import list_documents, put_document
from relais.store.forgetting import forget_jobs
from relais.store.jobs import cancel_job, retry_job, retry_jobs
from relais.store.line import read_lines
from relais.store.past import bring_back_retryable
from relais.store.retention import clean_matching
from relais.store.search import search_jobs
from relais.store.settle import record_superseded, settle_completed, settle_failed, was_recorded
from support.past import ended_ago, make_ended, move, move_all, table_of
from support.seeding import accept_many, answer, claim, make_agent, make_worker, state_of
from support.waiting import wait_until

DONE, FAILED, CANCELLED = State.COMPLETED, State.FAILED, State.CANCELLED


@pytest.fixture
def agent(engine: Engine) -> UUID:
    """An agent."""
    return make_agent(engine, slug="demo")


@pytest.fixture
def worker(engine: Engine) -> int:
    """A worker."""
    return make_worker(engine)


def _row(engine: Engine, job: UUID) -> dict[str, object]:
    with engine.begin() as conn:
        return dict(conn.execute(text("SELECT * FROM every_job WHERE id = :id"), {"id": job}).mappings().one())


def _ledger(engine: Engine, job: UUID) -> list[tuple[object, ...]]:
    with engine.begin() as conn:
        columns = "transition, from_state, to_state, attempt"
        query = text(f"SELECT {columns} FROM job_events WHERE job_id = :id ORDER BY id")
        return [tuple(row) for row in conn.execute(query, {"id": job})]


@pytest.mark.parametrize("state", [FAILED, CANCELLED])
def test_a_retry_brings_a_past_job_back(engine: Engine, agent: UUID, worker: int, state: State):
    """It goes to the end of its line, its attempts and its ledger go on, and it can be answered."""
    (job,) = make_ended(engine, agent, worker, [state])
    before = _ledger(engine, job)
    assert move_all(engine) == [job]
    (waiting,) = accept_many(engine, agent, 1)
    with engine.begin() as conn:
        assert retry_job(conn, job)
        assert [read_lines(conn).position("ai-messages", 0, ticket) for ticket in (2, 3)] == [1, 2]
    row = _row(engine, job)
    assert table_of(engine, job) == ["jobs"]
    assert (row["state"], row["attempt"], row["attempt_limit"], row["ticket"]) == ("queued", 1, 4, 3)
    assert (row["error_code"], row["finished_at"]) == (None, None)
    assert claim(engine, worker).id == waiting
    again = claim(engine, worker)
    assert (again.id, again.attempt) == (job, 2)
    with engine.begin() as conn:
        assert settle_completed(conn, job, 1, answer()) is None, "the fence"
        assert settle_completed(conn, job, 2, answer())
    assert _ledger(engine, job) == [
        *before, ("retry", state, "queued", 1), ("claim", "queued", "processing", 2),
        ("complete", "processing", "completed", 2),
    ]  # fmt: skip


def test_a_retry_that_rolls_back_leaves_the_job_where_it_was(engine: Engine, agent: UUID, worker: int):
    """Moving back and retrying are one transaction."""
    (job,) = make_ended(engine, agent, worker, [FAILED])
    move_all(engine)
    before = _row(engine, job)
    with engine.connect() as conn:
        assert retry_job(conn, job)
        conn.rollback()
    assert (table_of(engine, job), _row(engine, job)) == (["past_jobs"], before)


@pytest.mark.parametrize("state", [DONE, FAILED, CANCELLED])
def test_a_cancel_of_a_past_job_changes_nothing(engine: Engine, agent: UUID, worker: int, state: State):
    """It has ended."""
    (job,) = make_ended(engine, agent, worker, [state])
    move_all(engine)
    before = _row(engine, job)
    with engine.begin() as conn:
        assert not cancel_job(conn, job)
    assert (table_of(engine, job), _row(engine, job)) == (["past_jobs"], before)


def test_a_completed_past_job_is_not_retried(engine: Engine, agent: UUID, worker: int):
    """Its answer stands."""
    (job,) = make_ended(engine, agent, worker, [DONE])
    move_all(engine)
    with engine.begin() as conn:
        assert not retry_job(conn, job)
    assert table_of(engine, job) == ["past_jobs"]


def test_a_bulk_retry_means_past_jobs_only_when_they_are_named(engine: Engine, agent: UUID, worker: int):
    """What was cleaned away was given up: a filter leaves it there, ids and refs bring it back, oldest first."""
    old = make_ended(engine, agent, worker, [FAILED, FAILED, DONE])
    move_all(engine)
    young = make_ended(engine, agent, worker, [FAILED])
    every, named = JobFilter(state=FAILED), JobFilter(refs=tuple(ref_of(job) for job in (*young, *old)))
    with engine.begin() as conn:
        assert (count_retryable(conn, every), find_retryable(conn, every, limit=10)) == (1, young)
        assert count_retryable(conn, named) == 3
        assert find_retryable(conn, named, limit=10) == [*old[:2], *young]
        assert retry_jobs(conn, find_retryable(conn, named, limit=1)) == old[:1]
        assert set(retry_jobs(conn, find_retryable(conn, named, limit=10))) == {old[1], *young}
    tickets = [_row(engine, job)["ticket"] for job in (*old[:2], *young)]
    assert tickets == sorted(tickets)


def test_a_search_finds_past_jobs_in_their_place(engine: Engine, agent: UUID, worker: int):
    """Newest first over both tables, page by page, each once."""
    jobs = make_ended(engine, agent, worker, [FAILED, DONE, FAILED, CANCELLED, FAILED])
    ended_ago(engine, jobs[:3:2], "2 h")
    move(engine)
    with engine.begin() as conn:
        found = search_jobs(conn, JobFilter(), before=None, limit=3)
        last = found[-1]
        found += search_jobs(conn, JobFilter(), before=(last.created_at, last.id), limit=3)
        failed = search_jobs(conn, JobFilter(state=FAILED), before=None, limit=10)
    assert [job.id for job in found] == jobs[::-1]
    assert [job.id for job in failed] == jobs[::-2]


def test_the_fence_notes_a_result_that_comes_after_the_move(engine: Engine, agent: UUID, worker: int):
    """A worker that returns with the result of a past job is in the ledger like any other."""
    (job,) = make_ended(engine, agent, worker, [CANCELLED])
    move_all(engine)
    with engine.begin() as conn:
        assert settle_completed(conn, job, 1, answer()) is None
        record_superseded(conn, job, 1, worker)
        assert was_recorded(conn, job, 1, "superseded")
        assert conn.execute(text("SELECT count(*) FROM answers")).scalar_one() == 0


def test_a_document_shows_its_past_ingestion(engine: Engine, agent: UUID, worker: int):
    """Status and error of the newest ingestion stay, wherever its job lies."""
    with engine.begin() as conn:
        document = put_document(conn, agent, "a.md", "text/markdown", b"text").document_id
        job = uuid4()
        accept_ingestion(conn, job_id=job, document_id=document, agent_id=agent, priority=0, max_attempts=1)
    claim(engine, worker, queue="documents")
    with engine.begin() as conn:
        settle_failed(conn, job, 1, error_code="no_text", error="No text.")
        before = list_documents(conn, agent)
    assert move_all(engine) == [job]
    with engine.begin() as conn:
        assert list_documents(conn, agent) == before
    assert (before[0].job_id, before[0].status, before[0].error_code) == (job, "failed", "no_text")


def test_the_deletion_takes_what_is_old_with_its_texts(engine: Engine, agent: UUID, worker: int):
    """Message and answer go with a past job; a younger one, and one in the hot table, stay."""
    old, young = make_ended(engine, agent, worker, [DONE, DONE])
    ended_ago(engine, [old], "31 days")
    ended_ago(engine, [young], "29 days")
    move(engine)
    (hot,) = make_ended(engine, agent, worker, [DONE])
    ended_ago(engine, [hot], "31 days")
    with engine.begin() as conn:
        assert forget_jobs(conn, older_than_days=30, limit=10) == 1
        for table in ("messages", "every_job"):
            assert set(conn.execute(text(f"SELECT id FROM {table}")).scalars()) == {young, hot}
        assert set(conn.execute(text("SELECT message_id FROM answers")).scalars()) == {young, hot}


def test_a_retry_that_meets_the_move_finds_the_job(engine: Engine, agent: UUID, worker: int):
    """A person's retry waits for the sweeper that is moving the job out, and brings it back."""
    (job,) = make_ended(engine, agent, worker, [FAILED])
    ended_ago(engine, [job], "2 h")
    with engine.connect() as sweeper, ThreadPoolExecutor(1) as pool:
        _store_watermark(engine)
        assert clean_matching(sweeper, JobFilter(), keep=None, limit=1) == [job]
        retrying = pool.submit(_retry, engine, job)
        wait_until(lambda: _waits_for_a_lock(engine), message="the retry waits")
        sweeper.commit()
        assert retrying.result(10)
    assert (table_of(engine, job), state_of(engine, job)) == (["jobs"], "queued")


def test_the_move_leaves_a_job_that_is_being_retried(engine: Engine, agent: UUID, worker: int):
    """What a person's retry has brought back or holds is not moved away under it."""
    past, hot = make_ended(engine, agent, worker, [FAILED, FAILED])
    ended_ago(engine, [past], "2 h")
    assert move(engine) == [past]
    ended_ago(engine, [hot], "2 h")
    with engine.connect() as person:
        bring_back_retryable(person, [past, hot])
        assert move(engine) == []
        assert set(retry_jobs(person, [past, hot])) == {past, hot}
        person.commit()
    assert (state_of(engine, past), state_of(engine, hot)) == ("queued", "queued")


def test_two_retries_of_one_past_job_are_one(engine: Engine, agent: UUID, worker: int):
    """The second waits for the first and finds nothing to do."""
    (job,) = make_ended(engine, agent, worker, [FAILED])
    move_all(engine)
    with engine.connect() as first, ThreadPoolExecutor(1) as pool:
        assert retry_job(first, job)
        second = pool.submit(_retry, engine, job)
        wait_until(lambda: _waits_for_a_lock(engine), message="the second waits")
        first.commit()
        assert not second.result(10)
    assert [event[0] for event in _ledger(engine, job)].count("retry") == 1


def _retry(engine: Engine, job: UUID) -> bool:
    with engine.begin() as conn:
        return retry_job(conn, job)


def _store_watermark(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE lanes SET watermark = last_ticket"))


def _waits_for_a_lock(engine: Engine) -> bool:
    with engine.begin() as conn:
        waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(conn.execute(text(f"SELECT EXISTS ({waiting})")).scalar_one())


def test_a_job_is_in_exactly_one_table_whatever_meets(engine: Engine, agent: UUID):
    """Moves, retries and cancels of the same jobs at once: every snapshot has each job once, and nothing deadlocks."""
    jobs = accept_many(engine, agent, 20)
    done = dict.fromkeys([_move_some, _retry_some, _cancel_one], 0)
    with ThreadPoolExecutor(2 * len(done)) as pool:
        running = [pool.submit(_repeat, engine, work, jobs, done) for work in (*done, *done)]
        while not all(future.done() for future in running):
            with engine.begin() as conn:
                assert sorted(conn.execute(text("SELECT id FROM every_job")).scalars()) == sorted(jobs)
    assert [future.result() for future in running] == [None] * len(running)
    assert min(done.values()) > 20
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM jobs WHERE attempt > attempt_limit")).scalar_one() == 0


Work = Callable[[Connection, list[UUID]], int]


def _repeat(engine: Engine, work: Work, jobs: list[UUID], done: dict[Work, int]) -> None:
    """Go on until everybody has done enough: what one can do depends on what the others have done."""
    give_up_at = time.monotonic() + 60
    turns = 0
    while (turns < 60 or min(done.values()) <= 20) and time.monotonic() < give_up_at:
        with engine.begin() as conn:
            changed = work(conn, jobs)
        done[work] += changed
        turns += 1


def _move_some(conn: Connection, _jobs: list[UUID]) -> int:
    return len(clean_matching(conn, JobFilter(), keep=None, limit=random.choice([2, 20])))


def _retry_some(conn: Connection, jobs: list[UUID]) -> int:
    return len(retry_jobs(conn, random.sample(jobs, 6)))


def _cancel_one(conn: Connection, jobs: list[UUID]) -> int:
    job = random.choice(jobs)
    cancelled = cancel_job(conn, job)
    if cancelled:
        conn.execute(text("UPDATE jobs SET finished_at = now() - interval '1 h' WHERE id = :id"), {"id": job})
    return cancelled
