"""A worker whose broker restarts, or is gone when it stops."""

import threading

from sqlalchemy import Engine, text

from support.seeding import accept_many, make_agent, state_of
from support.soundness import assert_all_threads_well
from support.waiting import wait_until


def _completed(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(conn.execute(text("SELECT count(*) FROM jobs WHERE state = 'completed'")).scalar_one())


def test_a_broker_that_restarts_disturbs_no_running_job(engine: Engine, start_worker, gate, private_rabbitmq):
    """The job goes on and is answered once; the same process takes the tokens that follow, and stops in good time."""
    agent = make_agent(engine)
    (running,) = accept_many(engine, agent, 1)
    service = start_worker(gate, broker_url=private_rabbitmq.url())
    wait_until(lambda: gate.started, 20, "started")
    private_rabbitmq.stop()
    gate.open.set()
    wait_until(lambda: state_of(engine, running) == "completed", 20, "answered without a broker")
    accept_many(engine, agent, 5)
    private_rabbitmq.start()
    wait_until(lambda: _completed(engine) == 6, 60, "the others too")
    assert_all_threads_well(service)
    with engine.begin() as conn:
        assert conn.execute(text("SELECT max(attempt) FROM jobs")).scalar_one() == 1
    private_rabbitmq.stop()
    stopping = threading.Thread(target=service.stop, daemon=True)
    stopping.start()
    stopping.join(25)
    assert not stopping.is_alive(), "it stops without its broker"
