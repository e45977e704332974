"""A worker that stops at an awkward moment."""

import threading
import time

import pytest
from sqlalchemy import Engine, text

from support.proxy import Proxy
from support.seeding import accept_many, answer, make_agent
from support.waiting import wait_until


def test_a_job_whose_claim_was_under_way_at_sigterm_is_handed_back(engine: Engine, start_worker, gate):
    """The claim that was sent before the drain began brings a job after it: that one goes back unharmed too."""
    service = start_worker(gate, drain_s=2.0)
    with engine.begin() as conn:
        conn.execute(text("LOCK TABLE leases IN SHARE MODE"))  # a claim can write no lease
        (job,) = accept_many(engine, make_agent(engine), 1)
        wait_until(lambda: _claims_under_way(engine), 10, "a claim is under way")
        stopping = threading.Thread(target=service.stop)
        stopping.start()
        wait_until(lambda: service._parts.runs.draining, 10, "the drain began")
    stopping.join(30)
    with engine.begin() as conn:
        events = [row[0] for row in conn.execute(text("SELECT transition FROM job_events ORDER BY id"))]
        row = conn.execute(text("SELECT state, attempt_limit FROM jobs")).one()
    assert (events[-1], row) == ("hand_back", ("queued", 4)), job


def _claims_under_way(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(
            conn.execute(
                text("""SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                     AND datname = current_database() AND query LIKE '%j.queue = %FROM workers w%'""")
            ).scalar_one()
        )


def test_an_answer_that_is_finished_during_the_drain_is_kept(engine: Engine, start_worker, gate):
    """Told to stop a moment before its end, an attempt that ends with an answer hands in the answer, not the job."""

    def work(job, progress):
        assert gate.open.wait(20)
        return answer()

    service = start_worker(work, drain_s=0.0)
    accept_many(engine, make_agent(engine), 1)
    (run,) = wait_until(service._parts.runs.current, 20, "started")
    stopping = threading.Thread(target=service.stop)
    stopping.start()
    wait_until(lambda: run.aborted, 10, "told to stop")
    gate.open.set()
    stopping.join(30)
    with engine.begin() as conn:
        assert conn.execute(text("SELECT state, attempt FROM jobs")).one() == ("completed", 1)


def _last_event(engine: Engine) -> tuple[str, int, int]:
    with engine.begin() as conn:
        found = conn.execute(
            text("""SELECT e.transition, j.attempt, j.attempt_limit FROM job_events e JOIN jobs j ON j.id = e.job_id
                    ORDER BY e.id DESC LIMIT 1""")
        )
        return tuple(found.one())


def _stop_in_time(service) -> None:
    began_at = time.monotonic()
    service.stop()
    assert time.monotonic() - began_at < service.stop_limit_s


def test_a_job_whose_thread_does_not_look_up_is_handed_back_all_the_same(engine: Engine, start_worker, gate):
    """Stuck in a call that nobody can interrupt, it goes back unharmed; what the thread brings later is fenced off."""
    came_back = threading.Event()

    def work(job, progress):
        gate.open.wait(60)
        came_back.set()
        return answer()

    service = start_worker(work, drain_s=0.0)
    accept_many(engine, make_agent(engine), 1)
    wait_until(service._parts.runs.current, 20, "started")
    _stop_in_time(service)
    assert _last_event(engine) == ("hand_back", 1, 4)
    assert service.left_nothing
    gate.open.set()
    assert came_back.wait(10)
    wait_until(lambda: _last_event(engine)[0] == "superseded", 10, "fenced off")


@pytest.mark.parametrize("fault", ["cut", "freeze"])
def test_a_drain_without_the_database_ends_in_time(engine: Engine, database_url: str, start_worker, gate, fault: str):
    """Nothing can be handed back then: it says so, and the sweeper gives the job to another worker."""
    proxy = Proxy(database_url).start()
    service = start_worker(gate, worker_database=proxy.reroute(database_url), drain_s=0.0)
    accept_many(engine, make_agent(engine), 1)
    wait_until(lambda: gate.started, 20, "started")
    getattr(proxy, fault)()
    _stop_in_time(service)
    assert not service.left_nothing
    assert _last_event(engine)[0] in {"claim", "expire"}
    proxy.pass_on()
    wait_until(lambda: not service._parts.runs.current(), 30, "its thread settles after all")
    proxy.stop()


def test_a_drain_with_a_broker_that_hangs_ends_in_time(engine: Engine, start_worker, gate, amqp_url: str):
    """Half-open connections to RabbitMQ keep nobody: the job is handed back, and the worker leaves."""
    proxy = Proxy(amqp_url).start()
    service = start_worker(gate, broker_url=proxy.reroute(amqp_url), drain_s=0.0)
    accept_many(engine, make_agent(engine), 1)
    wait_until(lambda: gate.started, 20, "started")
    proxy.freeze()
    _stop_in_time(service)
    assert _last_event(engine) == ("hand_back", 1, 4)
    assert service.left_nothing
    with engine.begin() as conn:
        assert conn.execute(text("SELECT stopped_at IS NOT NULL FROM workers")).scalar_one(), "it said goodbye"
    proxy.stop()
