"""A worker and its entry in the register, when the database is not what it was."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text

from relais.store.workers import LOCK_CLASS
from support.seeding import accept_many, answer, make_agent, state_of
from support.waiting import wait_until
from support.worker_locks import lock_backends


def test_a_worker_that_the_database_forgot_registers_again(engine: Engine, start_worker):
    """After a restore or a pruned register, a worker that lives goes on working under a new entry."""
    service = start_worker(lambda job, progress: answer())
    forgotten = service._parts.heartbeat.worker_id
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM workers"))
    (job,) = accept_many(engine, make_agent(engine), 1)
    wait_until(lambda: state_of(engine, job) == "completed", 20, "answered")
    assert service._parts.heartbeat.worker_id != forgotten


def test_an_entry_of_another_worker_is_not_taken_for_ones_own(engine: Engine, start_worker):
    """Numbers begin anew in a new database: a worker knows its entry by number and name."""
    service = start_worker(lambda job, progress: answer())
    number = service._parts.heartbeat.worker_id
    with engine.begin() as conn:
        conn.execute(text("UPDATE workers SET name = 'another'"))
    wait_until(lambda: service._parts.heartbeat.worker_id != number, 10, "registered again")


def test_a_worker_whose_lost_connection_still_holds_its_lock_renews_its_leases(engine: Engine, start_worker, gate):
    """A server may notice hours later that a connection is gone; until then its lock stays, and must keep nobody."""
    (job,) = accept_many(engine, make_agent(engine), 1)
    service = start_worker(gate, lease_s=5.0)
    wait_until(lambda: gate.started, 20, "started")
    worker_id = service._parts.heartbeat.worker_id
    lock = {"lock_class": LOCK_CLASS, "worker_id": worker_id}
    with engine.connect() as ghost, engine.begin() as conn, ThreadPoolExecutor(1) as pool:
        # In line before the worker's connection ends: else the worker might have its lock again before the ghost.
        taken = pool.submit(ghost.execute, text("SELECT pg_advisory_lock(:lock_class, :worker_id)"), lock)
        wait_until(lambda: lock_backends(conn, worker_id, granted=False), 10, "the ghost waits for the lock")
        (holder,) = lock_backends(conn, worker_id)
        conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": holder})
        taken.result(10)
        ghost.commit()
        renewed = text("SELECT expires_at > clock_timestamp() + interval '1 s' FROM leases WHERE attempt = 1")
        since = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
        conn.commit()

        def lived_on() -> bool:
            with engine.begin() as reader:
                late = reader.execute(text("SELECT clock_timestamp() - :t > interval '6 s'"), {"t": since}).scalar_one()
                return bool(late and reader.execute(renewed).scalar_one_or_none())

        wait_until(lived_on, 20, "the lease runs on past its first end")
    gate.open.set()
    wait_until(lambda: state_of(engine, job) == "completed", 10, "completed")
