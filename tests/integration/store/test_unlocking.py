"""Unlocking: whom it meets, and what it leaves alone."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from relais.store.bulk import JobFilter
from relais.store.claim import claim_next
from relais.store.leases import beat
from relais.store.settle import settle_completed, settle_failed
from relais.store.sweep import expire_leases
from relais.store.unlocking import find_held, unlock_jobs
from support.seeding import accept, accept_many, answer, claim, make_agent, make_worker, new_message, state_of
from support.waiting import wait_until

Work = Callable[[Connection], object]


def lapsed(engine: Engine) -> tuple[UUID, int]:
    """A running job whose lease has run out, and its worker."""
    worker = make_worker(engine)
    (job,) = accept_many(engine, make_agent(engine), 1)
    assert claim(engine, worker).id == job
    with engine.begin() as conn:
        conn.execute(text("UPDATE leases SET expires_at = now() - interval '1 s'"))
    return job, worker


def start_and_let_wait(engine: Engine, pool: ThreadPoolExecutor, work: Work) -> Future[object]:
    """Run it in a transaction of its own; return once it waits for a lock."""

    def run() -> object:
        with engine.begin() as conn:
            return work(conn)

    before = waiting(engine)
    started = pool.submit(run)
    wait_until(lambda: waiting(engine) > before, message="it waits for a lock")
    return started


def waiting(engine: Engine) -> int:
    """How many wait for a lock."""
    with engine.begin() as conn:
        counted = conn.execute(
            text("""SELECT count(*) FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND datname = current_database()""")
        )
        return int(counted.scalar_one())


def test_a_job_that_was_claimed_anew_meanwhile_stays_with_its_new_worker(engine: Engine):
    """The sweeper took it and another worker claimed it while the unlock waited: that attempt is well."""
    job, _ = lapsed(engine)
    other = make_worker(engine)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as conn:
            assert expire_leases(conn, grace_s=0, limit=10)
            assert claim_next(conn, queue="ai-messages", worker_id=other, lease_s=20).attempt == 2
            unlocking = start_and_let_wait(engine, pool, lambda conn: unlock_jobs(conn, [job]))
        assert unlocking.result(10) == []
    assert state_of(engine, job) == "processing"


@pytest.mark.parametrize("force", [False, True], ids=["gently", "by force"])
def test_a_job_that_ends_meanwhile_has_ended(engine: Engine, force: bool):
    """Its worker was faster: the answer stays, nothing is unlocked."""
    job, _ = lapsed(engine)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as conn:
            assert settle_completed(conn, job, 1, answer())
            unlocking = start_and_let_wait(engine, pool, lambda conn: unlock_jobs(conn, [job], force=force))
        assert unlocking.result(10) == []
    assert state_of(engine, job) == "completed"


def test_a_result_that_comes_while_the_job_is_unlocked_is_fenced_off(engine: Engine):
    """Its worker was slower: it writes nothing, neither then nor after the next claim."""
    job, worker = lapsed(engine)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as conn:
            assert unlock_jobs(conn, [job]) == [job]
            settling = start_and_let_wait(engine, pool, lambda conn: settle_completed(conn, job, 1, answer()))
        assert settling.result(10) is None
    assert claim(engine, worker).attempt == 2
    with engine.begin() as conn:
        assert settle_completed(conn, job, 1, answer()) is None
        assert conn.execute(text("SELECT count(*) FROM answers")).scalar_one() == 0


def test_its_worker_learns_at_the_next_beat(engine: Engine):
    """As with any attempt that was taken from it: superseded, so that the run is stopped."""
    job, worker = lapsed(engine)
    with engine.begin() as conn:
        unlock_jobs(conn, [job])
        (report,) = beat(conn, worker_id=worker, lease_s=20, running=[(job, 1)])
    assert report.standing == "superseded"


def test_an_unlock_of_many_meets_a_beat(engine: Engine):
    """Both take the leases in the same order: no deadlock."""
    worker = make_worker(engine)
    jobs = accept_many(engine, make_agent(engine), 6)
    for _ in jobs:
        claim(engine, worker)
    running = [(job, 1) for job in sorted(jobs, reverse=True)]
    with ThreadPoolExecutor(2) as pool:
        with engine.begin() as holder:
            holder.execute(text("SELECT FROM leases WHERE job_id = :id FOR UPDATE"), {"id": sorted(jobs)[3]})
            beating = start_and_let_wait(
                engine, pool, lambda conn: beat(conn, worker_id=worker, lease_s=20, running=running)
            )
            unlocking = start_and_let_wait(engine, pool, lambda conn: unlock_jobs(conn, jobs, force=True))
        beating.result(10)
        assert sorted(unlocking.result(10)) == sorted(jobs)


def test_the_session_waits_for_the_job_that_was_unlocked(engine: Engine):
    """It keeps its place: the next message of its session still comes after it."""
    agent, worker = make_agent(engine), make_worker(engine)
    first = new_message(agent)
    second = new_message(agent, session_id=first.session_id)
    accept(engine, [first, second])
    assert claim(engine, worker).id == first.message_id
    with engine.begin() as conn:
        assert unlock_jobs(conn, [first.message_id], force=True)
    assert claim(engine, worker).id == first.message_id
    assert claim(engine, worker) is None


def test_what_was_never_claimed_or_has_ended_is_not_held(engine: Engine):
    """The search for running jobs finds nothing else."""
    agent, worker = make_agent(engine), make_worker(engine)
    accept_many(engine, agent, 2)
    job = claim(engine, worker)
    with engine.begin() as conn:
        settle_failed(conn, job.id, 1, error_code="e", error="E")
        assert find_held(conn, JobFilter()) == []
        assert unlock_jobs(conn, [job.id], force=True) == []
