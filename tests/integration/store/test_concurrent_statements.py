"""Statements that meet: whatever the interleaving, none of them dies of a deadlock."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, text

from relais.store.accept import accept_messages
from relais.store.claim import claim_next
from relais.store.drafts import write_draft
from relais.store.jobs import cancel_jobs, retry_jobs
from relais.store.leases import beat
from relais.store.sweep import advance_watermarks
from support.seeding import accept, accept_many, claim, make_agent, make_worker, new_message
from support.waiting import wait_until

Start = Callable[[Callable[[Connection], object]], Future[object]]


@pytest.fixture
def start(engine: Engine) -> Iterator[Start]:
    """Start a function of the store in a transaction of its own; return once it waits for a lock."""
    with ThreadPoolExecutor(4) as pool:

        def begin(work: Callable[[Connection], object]) -> Future[object]:
            before = _waiting(engine)

            def run() -> object:
                with engine.begin() as conn:
                    return work(conn)

            started = pool.submit(run)
            wait_until(lambda: _waiting(engine) > before, message="it waits for a lock")
            return started

        yield begin


def _waiting(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(
            conn.execute(
                text("""SELECT count(*) FROM pg_stat_activity
                WHERE wait_event_type = 'Lock' AND datname = current_database()""")
            ).scalar_one()
        )


def test_a_draft_waits_for_no_lease(engine: Engine):
    """A cancel locks the job, then its lease; a draft that locked the lease first would meet it in a deadlock."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    claim(engine, make_worker(engine))
    with engine.begin() as holder, engine.begin() as conn:
        holder.execute(text("SELECT FROM leases FOR UPDATE"))
        assert write_draft(conn, job, 1, "so far")


def test_no_draft_outlives_its_attempt(engine: Engine, start: Start):
    """A draft that is written while the attempt is being cancelled is refused, not left behind."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    claim(engine, make_worker(engine))
    with engine.begin() as conn:
        cancel_jobs(conn, [job])
        draft = start(lambda conn: write_draft(conn, job, 1, "so far"))
    assert draft.result(10) is False


def test_a_cancel_that_meets_a_claim_leaves_no_lease(engine: Engine, start: Start):
    """It waits for the claim to be committed, and ends the attempt with all that the claim has made."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    worker = make_worker(engine)
    with engine.begin() as conn:
        claim_next(conn, queue="ai-messages", worker_id=worker, lease_s=20)
        cancelled = start(lambda conn: cancel_jobs(conn, [job]))
    assert cancelled.result(10) == [job]
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM leases")).scalar_one() == 0


def test_a_beat_meets_a_cancel_of_many(engine: Engine, start: Start):
    """A worker renews its leases while a person cancels its jobs: both take them in the same order."""
    worker = make_worker(engine)
    jobs = accept_many(engine, make_agent(engine), 6)
    for _ in jobs:
        claim(engine, worker)
    with engine.begin() as holder:
        holder.execute(text("SELECT FROM leases WHERE job_id = :id FOR UPDATE"), {"id": sorted(jobs)[3]})
        running = [(job, 1) for job in sorted(jobs, reverse=True)]
        beating = start(lambda conn: beat(conn, worker_id=worker, lease_s=20, running=running))
        cancelling = start(lambda conn: cancel_jobs(conn, jobs))
    beating.result(10)
    cancelling.result(10)


def test_batches_with_the_same_keys_in_another_order(engine: Engine, start: Start):
    """Two API processes that get the same messages again, in another order, both answer their clients."""
    agent = make_agent(engine)

    def batch(*keys: str):
        messages = [new_message(agent, key, idempotency_key=key) for key in keys]
        return lambda conn: [each.outcome for each in accept_messages(conn, messages)]

    with engine.connect() as holder:
        batch("m")(holder)
        first, second = start(batch("a", "m", "b")), start(batch("b", "m", "a"))
        holder.rollback()
    assert sorted(first.result(10) + second.result(10)) == ["accepted"] * 3 + ["replayed"] * 3


@pytest.mark.parametrize("work", ["retry", "watermarks"])
def test_lanes_are_locked_in_one_order(engine: Engine, start: Start, work: str):
    """Accepting, retrying and sweeping over several priorities take the lanes in the same order."""
    agent, worker = make_agent(engine), make_worker(engine)
    jobs = [row.message_id for row in accept(engine, [new_message(agent, priority=p) for p in (5, 0, 9, 3)])]
    accept(engine, [new_message(agent, priority=0)])
    for _ in jobs:
        claim(engine, worker)
    with engine.begin() as conn:
        cancel_jobs(conn, jobs)
    act = {"retry": lambda conn: retry_jobs(conn, jobs), "watermarks": advance_watermarks}[work]
    with engine.begin() as holder:
        holder.execute(text("SELECT FROM lanes WHERE priority = 3 FOR UPDATE"))
        acting = start(act)
        accepting = start(lambda conn: accept_messages(conn, [new_message(agent, priority=p) for p in (0, 3, 5, 9)]))
    acting.result(10)
    accepting.result(10)
