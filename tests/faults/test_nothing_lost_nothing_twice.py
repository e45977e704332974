"""The promise under the faults that every deployment meets, with real processes, PostgreSQL and RabbitMQ."""

import signal
import threading
from collections import Counter
from datetime import datetime

import pytest
from sqlalchemy import Engine, text

from faults.register import read_holders
from relais.store.engine import make_engine
from support.clients import Poster
from support.model_fixtures import ModelFaults
from support.soundness import assert_each_answered_once, assert_ledger_sound, times_taken, unfinished
from support.stack import Service
from support.waiting import wait_until

pytestmark = pytest.mark.timeout(400)  # a slow machine, not a hung test
_STARTED_S = 60.0
# Stated are 5 s (docs/life-of-a-message.md has the sum); the rest is for a busy machine. The lease is 30 s there.
_CLAIMED_AGAIN_S = 10.0


def _processing(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(conn.execute(text("SELECT count(*) FROM jobs WHERE state = 'processing'")).scalar_one())


def test_two_workers_answer_500_messages_once_each(engine: Engine, make_stack, amqp_url: str):
    """The happy path: 500 messages from eight clients, two worker processes, each answered exactly once."""
    stack = make_stack(amqp_url)
    stack.start_api()
    token = stack.make_agent()
    stack.start_sweeper()
    stack.start_worker()
    stack.start_worker()
    wait_until(lambda: _beating(engine) == 2, _STARTED_S, "both workers are there")
    accepted = Poster(stack.url, token).post_many(500)
    wait_until(lambda: unfinished(engine) == 0, 90, "all answered")
    assert_each_answered_once(engine, accepted)
    with engine.begin() as conn:
        workers = conn.execute(text("SELECT count(DISTINCT worker_id) FROM every_job")).scalar_one()
    assert workers == 2


def _beating(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(conn.execute(text("SELECT count(*) FROM workers WHERE stopped_at IS NULL")).scalar_one())


def _generations(model_faults: ModelFaults) -> int:
    """How many the model server was asked for."""
    activity = model_faults.activity()
    return sum(activity[endpoint]["requests"] for endpoint in ("chat", "generate"))


def _database_is_up_for(engine: Engine, seconds: float) -> bool:
    query = "SELECT pg_postmaster_start_time() < now() - make_interval(secs => :seconds)"
    with engine.begin() as conn:
        return bool(conn.execute(text(query), {"seconds": seconds}).scalar_one())


def _seconds_until_claimed_again(engine: Engine, killed_at: datetime) -> float:
    """From a moment on the database's clock to the last claim."""
    query = "SELECT extract(epoch FROM max(at) - :since)::float FROM job_events WHERE transition = 'claim'"
    with engine.begin() as conn:
        return float(conn.execute(text(query), {"since": killed_at}).scalar_one())


def _kill_the_busiest(engine: Engine, workers: list[Service]) -> tuple[int, datetime]:
    """SIGKILL to the worker that holds most; how many jobs it held, and when it was, on the database's clock."""
    [(name, held)] = Counter(read_holders(engine).values()).most_common(1)
    [victim] = [worker for worker in workers if worker.popen and name.endswith(f":{worker.popen.pid}")]
    with engine.begin() as conn:
        killed_at: datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
    victim.kill()
    return held, killed_at


def test_a_worker_killed_while_it_generates_loses_nothing(engine: Engine, make_stack, amqp_url: str, model_faults):
    """SIGKILL to a worker in the middle of its answers: another begins them within seconds, not after a lease."""
    model_faults.inject(first_token_delay_s=10.0)
    stack = make_stack(amqp_url, RELAIS_LEASE_S="30")
    stack.start_api()
    token = stack.make_agent()
    stack.start_sweeper()
    workers = [stack.start_worker(), stack.start_worker()]
    wait_until(lambda: _beating(engine) == 2, _STARTED_S, "both workers are there")
    wait_until(lambda: _database_is_up_for(engine, 30.0), _STARTED_S, "the grace after its start is over")
    asked = _generations(model_faults)
    accepted = Poster(stack.url, token).post_many(4)  # as many as one worker has threads: the other could take all
    wait_until(lambda: _generations(model_faults) == asked + 4, _STARTED_S, "they generate, and are slow")
    model_faults.end()
    held, killed_at = _kill_the_busiest(engine, workers)
    wait_until(lambda: unfinished(engine) == 0, 60, "all answered")
    assert_each_answered_once(engine, accepted)
    assert times_taken(engine, "expire") == held
    assert _seconds_until_claimed_again(engine, killed_at) < _CLAIMED_AGAIN_S


def test_accepting_goes_on_while_rabbitmq_is_down(engine: Engine, make_stack, private_rabbitmq):
    """RabbitMQ stopped for 10 s while clients post: every message is accepted meanwhile, and answered in the end."""
    stack = make_stack(private_rabbitmq.url())
    stack.start_api()
    poster = Poster(stack.url, stack.make_agent())
    stack.start_sweeper()
    stack.start_worker()
    stack.start_worker()
    accepted = poster.post_many(20)
    private_rabbitmq.kill()
    down_for_10_s = threading.Timer(10, private_rabbitmq.start)
    down_for_10_s.start()
    accepted += poster.post_many(60)
    assert down_for_10_s.is_alive(), "the messages were accepted while RabbitMQ was down"
    down_for_10_s.join()
    accepted += poster.post_many(20)
    wait_until(lambda: unfinished(engine) == 0, 60, "all answered")
    assert_each_answered_once(engine, accepted)


def test_a_wiped_broker_loses_nothing(engine: Engine, make_stack, private_rabbitmq):
    """RabbitMQ loses all its data while 50 messages wait: they are announced again and answered."""
    stack = make_stack(private_rabbitmq.url())
    stack.start_api()
    accepted = Poster(stack.url, stack.make_agent()).post_many(50)
    private_rabbitmq.stop()
    private_rabbitmq.wipe()
    private_rabbitmq.start()
    stack.start_sweeper()
    stack.start_worker()
    stack.start_worker()
    wait_until(lambda: unfinished(engine) == 0, 60, "all answered")
    assert_each_answered_once(engine, accepted)


def test_a_stale_worker_that_finishes_late_writes_nothing(engine: Engine, make_stack, amqp_url: str, model_faults):
    """A worker stopped (SIGSTOP) past its lease and continued after another answered: its results are fenced off."""
    model_faults.inject(first_token_delay_s=5.0)
    stack = make_stack(amqp_url, RELAIS_LEASE_S="6", RELAIS_HEARTBEAT_S="0.5")
    stack.start_api()
    token = stack.make_agent()
    stack.start_sweeper()
    stale = stack.start_worker()
    accepted = Poster(stack.url, token).post_many(4)
    wait_until(lambda: _processing(engine) == 4, _STARTED_S, "the first worker works")
    stale.signal(signal.SIGSTOP)
    model_faults.end()  # for the second worker; what was asked for comes late, while the first one is stopped
    stack.start_worker()
    wait_until(lambda: unfinished(engine) == 0, 40, "the second worker answered all")
    stale.signal(signal.SIGCONT)
    assert stale.stop() == 0
    assert_each_answered_once(engine, accepted)
    assert times_taken(engine, "expire") >= 4  # more, when the second one was kept waiting for a lease too


def test_sigterm_hands_back_what_does_not_finish(engine: Engine, make_stack, amqp_url: str, model_faults):
    """A worker told to stop exits 0 within its drain time, and another one finishes its work at no cost of attempts."""
    model_faults.inject(first_token_delay_s=20.0)
    stack = make_stack(amqp_url)
    stack.start_api()
    token = stack.make_agent()
    stack.start_sweeper()
    leaving = stack.start_worker()
    accepted = Poster(stack.url, token).post_many(4)
    wait_until(lambda: _processing(engine) == 4, _STARTED_S, "it works")
    assert leaving.stop() == 0
    assert times_taken(engine, "hand_back") == 4
    model_faults.end()
    stack.start_worker()
    wait_until(lambda: unfinished(engine) == 0, 30, "all answered")
    assert_each_answered_once(engine, accepted)


def test_a_restart_of_the_database_mends_itself(amqp_url: str, private_postgres, make_stack):
    """PostgreSQL killed and started again: clients get 503 meanwhile, no service ends, every message is answered."""
    stack = make_stack(amqp_url)
    stack.database_url = private_postgres.url()
    stack.start_api()
    poster = Poster(stack.url, stack.make_agent())
    stack.start_sweeper()
    stack.start_worker()
    accepted = poster.post_many(20)
    engine = make_engine(private_postgres.url(), pool_size=2)
    wait_until(lambda: unfinished(engine) == 0, 30, "every service works")
    private_postgres.kill()
    back = threading.Timer(3, private_postgres.start)
    back.start()
    accepted += poster.post_many(20)
    back.join()
    wait_until(lambda: unfinished(engine) == 0, 60, "all answered")
    assert_each_answered_once(engine, accepted)
    assert_ledger_sound(engine)
    assert all(service.popen.poll() is None for service in stack.services), "no service ended"
    engine.dispose()
