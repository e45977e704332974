"""The sweeper's repairs, each on the damage it is for."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from relais.broker import Publisher, make_broker
from relais.broker.memory import MemoryBroker
from relais.store.accept import accept_ingestion
from relais.store.documents import list_documents, mark_indexed, put_document
from relais.store.engine import make_engine
from relais.store.jobs import cancel_jobs
from relais.store.outage import is_outage
from relais.store.settle import settle_completed
from relais.store.sweep import try_sweep_lock
from relais.store.workers import hold_worker_lock
from relais_worker.sweeper.announce import Announce
from relais_worker.sweeper.prune import Retention
from relais_worker.sweeper.repair import Repair
from support.proxy import Proxy
from support.seeding import accept, accept_many, answer, claim, make_agent, make_worker, new_message, state_of
from support.waiting import wait_until
from support.worker_locks import lock_backends

RETENTION = Retention(days=30, ledger_days=30)


@pytest.fixture
def repair(engine: Engine) -> Repair:
    """A round of repairs with the defaults of production, but for the grace after a start of the database."""
    return Repair(engine, heartbeat_s=2.0, lease_s=0.0, retention=RETENTION)


@pytest.fixture
def broker() -> MemoryBroker:
    """The in-memory broker."""
    broker = make_broker("memory://")
    assert isinstance(broker, MemoryBroker)
    return broker


@pytest.fixture
def announce(engine: Engine, broker: MemoryBroker) -> Iterator[Announce]:
    """A round of announcements."""
    publisher = Publisher(broker)
    publisher.start()
    yield Announce(engine, broker, publisher)
    publisher.stop()


def _age(engine: Engine, statement: str) -> None:
    with engine.begin() as conn:
        conn.execute(text(statement))


def _held_by_a_silent_worker(engine: Engine) -> tuple[UUID, int]:
    """A job with a long lease, and the worker that holds it and hasn't been heard of for a while."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    worker = make_worker(engine)
    claim(engine, worker, lease_s=600)
    _age(engine, "UPDATE workers SET heartbeat_at = now() - interval '6 s'")
    return job, worker


def test_a_dead_worker_loses_its_jobs_before_its_lease_ends(engine: Engine, repair: Repair):
    """A worker without its lock and without a recent heartbeat is dead: its job goes back at once."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    claim(engine, make_worker(engine), lease_s=600)
    _age(engine, "UPDATE workers SET heartbeat_at = now() - interval '6 s'")
    repair()
    assert state_of(engine, job) == "queued"
    with engine.begin() as conn:
        assert conn.execute(text("SELECT error_code, worker_id IS NOT NULL FROM jobs")).one() == ("worker_lost", True)


def test_a_silent_worker_that_holds_its_lock_keeps_its_jobs(engine: Engine, repair: Repair):
    """A late heartbeat alone is no death: the lease covers hangs."""
    job, worker = _held_by_a_silent_worker(engine)
    with engine.connect() as lock_holder:
        hold_worker_lock(lock_holder, worker)
        repair()
        assert state_of(engine, job) == "processing"


def test_a_worker_whose_network_heals_has_a_round_to_come_back(engine: Engine, repair: Repair):
    """Its old connection, which stood until now, ends before its first new beat arrives: that is no death yet."""
    job, worker = _held_by_a_silent_worker(engine)
    with engine.connect() as lock_holder:
        hold_worker_lock(lock_holder, worker)
        repair()
        lock_holder.invalidate()
    wait_until(lambda: not _is_held(engine, worker), 10, "the server has noticed the end of the connection")
    repair()
    assert state_of(engine, job) == "processing"
    repair()
    assert state_of(engine, job) == "queued", "it did not come back"


def _is_held(engine: Engine, worker: int) -> bool:
    with engine.begin() as conn:
        return bool(lock_backends(conn, worker))


def test_a_worker_with_a_fresh_heartbeat_is_not_dead_without_its_lock(engine: Engine, repair: Repair):
    """A connection that just broke is being renewed: nobody is declared dead within a beat."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    claim(engine, make_worker(engine), lease_s=600)
    repair()
    assert state_of(engine, job) == "processing"


def test_nobody_is_declared_dead_right_after_a_start_of_the_database(engine: Engine):
    """A restart frees every lock; the workers get a lease's time to come back."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    claim(engine, make_worker(engine), lease_s=600)
    _age(engine, "UPDATE workers SET heartbeat_at = now() - interval '6 s'")
    Repair(engine, heartbeat_s=2.0, lease_s=1e6, retention=RETENTION)()
    assert state_of(engine, job) == "processing"


def test_nobody_is_judged_right_after_the_sweeper_itself_was_cut_off(engine: Engine, database_url: str):
    """What cut off the sweeper may have cut off the workers: they get the time as after a start."""
    dead, hung = accept_many(engine, make_agent(engine), 2)
    claim(engine, make_worker(engine), lease_s=600)
    claim(engine, make_worker(engine), lease_s=600)
    proxy = Proxy(database_url).start()
    own_engine = make_engine(proxy.reroute(database_url), pool_size=1)
    cautious = Repair(own_engine, heartbeat_s=2.0, lease_s=1.0, retention=RETENTION)
    cautious()
    proxy.cut()
    with pytest.raises(OperationalError):
        cautious()
    proxy.pass_on()
    _age(engine, "UPDATE workers SET heartbeat_at = now() - interval '6 s'")
    _age(engine, f"UPDATE leases SET expires_at = now() - interval '1 s' WHERE job_id = '{hung}'")
    cautious()
    assert (state_of(engine, dead), state_of(engine, hung)) == ("processing", "processing")
    wait_until(lambda: (cautious(), state_of(engine, dead))[1] == "queued", 10, "judged once the time is over")
    assert state_of(engine, hung) == "queued"
    own_engine.dispose()
    proxy.stop()


def test_a_refused_statement_is_no_outage(engine: Engine):
    """Only a lost database makes the sweeper wait: a lock that wasn't granted says nothing of the workers."""
    with engine.connect() as conn, pytest.raises(DBAPIError) as refused:
        conn.execute(text("SELECT 1 / 0"))
    assert not is_outage(refused.value)
    with engine.connect() as conn, pytest.raises(DBAPIError) as lost:
        conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert is_outage(lost.value)


def test_a_lapsed_lease_gives_the_job_back(engine: Engine, repair: Repair):
    """A worker that hangs, lock and all, loses its job when the lease ends."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    worker = make_worker(engine)
    claim(engine, worker)
    _age(engine, "UPDATE leases SET expires_at = now() - interval '1 s'")
    repair()
    assert state_of(engine, job) == "queued"


def test_no_lease_lapses_right_after_a_start_of_the_database(engine: Engine):
    """Nobody could renew while it was away: a worker that holds a finished answer gets the time to hand it in."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    claim(engine, make_worker(engine))
    _age(engine, "UPDATE leases SET expires_at = now() - interval '1 s'")
    Repair(engine, heartbeat_s=2.0, lease_s=1e6, retention=RETENTION)()
    assert state_of(engine, job) == "processing"


def test_only_one_sweeper_acts_at_a_time(engine: Engine, repair: Repair):
    """A second sweeper finds the lock taken and leaves, with nothing done twice."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    claim(engine, make_worker(engine))
    _age(engine, "UPDATE leases SET expires_at = now() - interval '1 s'")
    with engine.begin() as other_sweeper:
        _take_sweep_lock(other_sweeper)
        repair()
        assert state_of(engine, job) == "processing"
    repair()
    assert state_of(engine, job) == "queued"


def _take_sweep_lock(conn: Connection) -> None:
    assert try_sweep_lock(conn)


def test_holes_behind_the_watermark_are_forgotten(engine: Engine, repair: Repair):
    """The set of exceptions stays small: what lies behind the line needs no entry."""
    agent, worker = make_agent(engine), make_worker(engine)
    ids = accept_many(engine, agent, 10)
    with engine.begin() as conn:
        cancel_jobs(conn, ids[:5])
    claim(engine, worker)
    repair()
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM ticket_holes")).scalar_one() == 0
        assert conn.execute(text("SELECT watermark FROM lanes")).scalar_one() == 6


def test_old_jobs_go_with_their_texts_and_young_ones_stay(engine: Engine, repair: Repair):
    """Retention deletes what finished long ago, message and answer too, and nothing else."""
    agent, worker = make_agent(engine), make_worker(engine)
    old, young, waiting = accept_many(engine, agent, 3)
    for job in (old, young):
        claim(engine, worker)
        with engine.begin() as conn:
            settle_completed(conn, job, 1, answer())
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET finished_at = now() - interval '31 days' WHERE id = :id"), {"id": old})
    repair()
    with engine.begin() as conn:
        assert set(conn.execute(text("SELECT id FROM jobs")).scalars()) == {young, waiting}
        assert set(conn.execute(text("SELECT id FROM messages")).scalars()) == {young, waiting}
        assert conn.execute(text("SELECT message_id FROM answers")).scalars().all() == [young]
        assert conn.execute(text("SELECT count(*) FROM sessions")).scalar_one() == 2, "a session goes with its last one"


def test_a_document_outlives_the_record_of_its_ingestion(engine: Engine, repair: Repair):
    """A document that was indexed long ago still shows as completed when the job that did it is pruned."""
    agent, worker, content = make_agent(engine), make_worker(engine), b"text"
    with engine.begin() as conn:
        document = put_document(conn, agent, "a.md", "text/markdown", content).document_id
        job = uuid4()
        accept_ingestion(conn, job_id=job, document_id=document, agent_id=agent, priority=0, max_attempts=1)
    claim(engine, worker, queue="documents")
    with engine.begin() as conn:
        mark_indexed(conn, document, sha256=hashlib.sha256(content).digest(), indexed_with="m@3", chunks=1)
        settle_completed(conn, job, 1, None)
        conn.execute(text("UPDATE jobs SET finished_at = now() - interval '31 days'"))
    repair()
    with engine.begin() as conn:
        (listed,) = list_documents(conn, agent)
    assert (listed.job_id, listed.status, listed.chunks) == (None, "completed", 1)


def test_pruning_keeps_no_message_waiting(engine: Engine, repair: Repair):
    """A deletion that takes its time holds no lane: messages are accepted meanwhile."""
    agent, worker = make_agent(engine), make_worker(engine)
    (old,) = accept_many(engine, agent, 1)
    claim(engine, worker)
    with engine.begin() as conn:
        settle_completed(conn, old, 1, answer())
        conn.execute(text("UPDATE jobs SET finished_at = now() - interval '31 days'"))
    with ThreadPoolExecutor(1) as pool, engine.connect() as conn:
        conn.execute(text("SELECT FROM messages FOR UPDATE"))
        pruning = pool.submit(repair)
        wait_until(lambda: _waits_for_a_lock(engine), message="the deletion waits")
        assert len(accept_many(engine, agent, 1)) == 1
        conn.commit()
    pruning.result(10)


def _waits_for_a_lock(engine: Engine) -> bool:
    with engine.begin() as conn:
        waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(conn.execute(text(f"SELECT EXISTS ({waiting})")).scalar_one())


def test_tokens_are_topped_up_to_what_can_run(engine: Engine, broker: MemoryBroker, announce: Announce):
    """Jobs without a token, for whatever reason, get one; a second round adds none."""
    accept_many(engine, make_agent(engine), 7)
    announce()
    assert broker.tokens_ready("ai-messages") == 7
    announce()
    assert broker.tokens_ready("ai-messages") == 7


def test_jobs_that_cannot_run_yet_get_no_token(engine: Engine, broker: MemoryBroker, announce: Announce):
    """A session's second message and a paused queue wake nobody."""
    agent = make_agent(engine)
    first = accept(engine, [new_message(agent)])[0]
    accept(engine, [new_message(agent, session_id=first.session_id)])
    announce()
    assert broker.tokens_ready("ai-messages") == 1
    _age(engine, "UPDATE queues SET paused_at = now()")
    broker.flush_all()
    announce()
    assert broker.tokens_ready("ai-messages") == 0


def test_a_stale_pending_job_is_announced(engine: Engine, announce: Announce):
    """What the API could not announce becomes `queued` once it has a token; what is fresh is left to the API."""
    stale, fresh = accept_many(engine, make_agent(engine), 2)
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET created_at = now() - interval '3 s' WHERE id = :id"), {"id": stale})
    announce()
    assert (state_of(engine, stale), state_of(engine, fresh)) == ("queued", "pending")


def test_what_the_sweeper_saw_is_there_for_the_monitor(engine: Engine, repair: Repair, announce: Announce):
    """Its last run, the broker's state and the tokens that are ready can be read from the database."""
    repair()
    announce()
    with engine.begin() as conn:
        rows = dict(conn.execute(text("SELECT part, details FROM heartbeats")).all())
    assert rows == {"sweeper": {}, "broker": {"up": True, "ready": {"ai-messages": 0, "documents": 0}, "alarms": []}}
