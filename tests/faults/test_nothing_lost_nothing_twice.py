"""The promise under the faults that every deployment meets, with real processes, PostgreSQL and RabbitMQ."""

import signal
import threading

from sqlalchemy import Engine, text

from relais.store.engine import make_engine
from support.clients import Poster
from support.soundness import assert_each_answered_once, assert_ledger_sound, times_taken, unfinished
from support.waiting import wait_until


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
    accepted = Poster(stack.url, token).post_many(500)
    wait_until(lambda: unfinished(engine) == 0, 90, "all answered")
    assert_each_answered_once(engine, accepted)
    with engine.begin() as conn:
        workers = conn.execute(text("SELECT count(DISTINCT worker_id) FROM every_job")).scalar_one()
    assert workers == 2


def test_a_worker_killed_while_it_generates_loses_nothing(engine: Engine, make_stack, amqp_url: str, model_faults):
    """SIGKILL to a worker in the middle of its answers: another gives them within seconds, not after a lease."""
    model_faults.inject(token_delay_s=0.2)
    stack = make_stack(amqp_url, RELAIS_LEASE_S="60")
    stack.start_api()
    token = stack.make_agent()
    stack.start_sweeper()
    victim = stack.start_worker()
    accepted = Poster(stack.url, token).post_many(8)
    wait_until(lambda: _processing(engine) == 4, 20, "the victim works")
    victim.kill()
    model_faults.end()
    stack.start_worker()
    wait_until(lambda: unfinished(engine) == 0, 30, "all answered, though the leases ran for a minute")
    assert_each_answered_once(engine, accepted)
    assert times_taken(engine, "expire") == 4


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
    model_faults.inject(first_token_delay_s=2.0)
    stack = make_stack(amqp_url, RELAIS_LEASE_S="3", RELAIS_HEARTBEAT_S="0.5")
    stack.start_api()
    token = stack.make_agent()
    stack.start_sweeper()
    stale = stack.start_worker()
    accepted = Poster(stack.url, token).post_many(4)
    wait_until(lambda: _processing(engine) == 4, 20, "the first worker works")
    stale.signal(signal.SIGSTOP)
    stack.start_worker()
    wait_until(lambda: unfinished(engine) == 0, 40, "the second worker answered all")
    stale.signal(signal.SIGCONT)
    assert stale.stop() == 0
    assert_each_answered_once(engine, accepted)
    assert times_taken(engine, "expire") == 4


def test_sigterm_hands_back_what_does_not_finish(engine: Engine, make_stack, amqp_url: str, model_faults):
    """A worker told to stop exits 0 within its drain time, and another one finishes its work at no cost of attempts."""
    model_faults.inject(first_token_delay_s=20.0)
    stack = make_stack(amqp_url)
    stack.start_api()
    token = stack.make_agent()
    stack.start_sweeper()
    leaving = stack.start_worker()
    accepted = Poster(stack.url, token).post_many(4)
    wait_until(lambda: _processing(engine) == 4, 20, "it works")
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
