"""Tokens on both brokers: one suite for the fake and the real part."""

import errno
import socket
import subprocess
import sys
import threading
from contextlib import closing, suppress

import dramatiq
import pika
import pytest
from dramatiq.errors import ConnectionClosed

from relais.broker import AnyBroker, Publisher, make_broker
from relais.broker.rabbitmq import TokenBroker, with_connection_limits
from relais.broker.tokens import make_token
from relais_cli.parts.ports import free_port
from relais_worker.actors import actor_middleware, declare_actors
from support.rabbitmq_admin import RabbitMQAdmin
from support.waiting import wait_until


@pytest.fixture(params=["memory", "rabbitmq"])
def broker(request: pytest.FixtureRequest):
    """Each broker in turn."""
    url = "memory://" if request.param == "memory" else request.getfixturevalue("amqp_url")
    broker = make_broker(url)
    yield broker
    broker.close_outlet()
    broker.close()


@pytest.fixture
def publisher(broker: AnyBroker):
    """A publisher on it."""
    publisher = Publisher(broker)
    publisher.start()
    yield publisher
    publisher.stop()


def test_published_tokens_are_ready(broker: AnyBroker, publisher: Publisher):
    """What was confirmed is there to be taken, per queue."""
    assert publisher.publish("ai-messages", 300, timeout_s=10)
    assert publisher.publish("documents", timeout_s=10)
    wait_until(lambda: broker.tokens_ready("ai-messages") == 300)
    wait_until(lambda: broker.tokens_ready("documents") == 1)


def test_a_token_carries_nothing_but_its_queue(broker: AnyBroker, publisher: Publisher):
    """No id and no text travels through the broker: it can neither leak nor go stale."""
    assert publisher.publish("ai-messages", timeout_s=10)
    consumer = broker.consume("ai-messages", prefetch=1, timeout=2000)
    message = wait_until(lambda: next(consumer))
    assert (message.actor_name, message.args, message.kwargs) == ("answer", (), {})
    consumer.ack(message)
    consumer.close() if isinstance(broker, TokenBroker) else None


def test_a_consumer_that_finds_no_queue_leaves_no_connection_behind(
    amqp_url: str, vhost: str, rabbitmq_admin: RabbitMQAdmin
):
    """After a wipe the broker closes the channel only; the connection ends with its consumer all the same."""
    with closing(make_broker(amqp_url)) as broker:
        assert broker.tokens_ready("ai-messages") == 0  # declares it
        rabbitmq_admin.drop_queue(vhost, "ai-messages")
        consumer = broker.consume("ai-messages", prefetch=1, timeout=200)
        with pytest.raises(ConnectionClosed, match="no queue"):
            next(consumer)
        with suppress(ConnectionClosed):
            consumer.close()
        assert consumer.connection.is_closed


def test_a_queue_that_is_deleted_under_load_is_consumed_again(
    amqp_url: str, vhost: str, rabbitmq_admin: RabbitMQAdmin, monkeypatch: pytest.MonkeyPatch
):
    """Who publishes declares it anew at once; RabbitMQ may keep its old consumers then, and deliver nothing to them."""
    monkeypatch.setattr("relais.broker.consumer._LOOK_EVERY_S", 0.5)
    taken, ended = [], threading.Event()
    with closing(make_broker(amqp_url, actor_middleware())) as broker, closing(make_broker(amqp_url)) as sender:
        declare_actors(broker, taken.append)
        worker = dramatiq.Worker(broker, worker_threads=2, worker_timeout=100)
        worker.start()
        publishing = threading.Thread(target=_send_until, args=[ended, sender])
        publishing.start()
        try:
            for _ in range(3):
                wait_until(lambda: taken, 30, "tokens are taken")
                rabbitmq_admin.drop_queue(vhost, "ai-messages")
                taken.clear()
            wait_until(lambda: len(taken) > 20, 30, "tokens are taken again")
        finally:
            ended.set()
            publishing.join(30)
            worker.stop()
            sender.close_outlet()


def test_a_consumer_that_gets_no_reply_is_known_to_wait(amqp_url: str, monkeypatch: pytest.MonkeyPatch):
    """A call that RabbitMQ never answers, alive as it is, has no limit in pika: the watchdog sees how long it lasts."""
    monkeypatch.setattr("relais.broker.consumer._LOOK_EVERY_S", 0.0)
    replied = threading.Event()
    with closing(make_broker(amqp_url)) as broker:
        consumer = broker.consume("ai-messages", prefetch=1, timeout=100)
        assert broker.consumer_busy_s("ai-messages") == 0.0
        declare = consumer.channel.queue_declare
        monkeypatch.setattr(consumer.channel, "queue_declare", lambda *a, **k: replied.wait(30) and declare(*a, **k))
        waiting = threading.Thread(target=next, args=[consumer])
        waiting.start()
        wait_until(lambda: broker.consumer_busy_s("ai-messages") > 0.5, 20, "the call lasts")
        replied.set()
        waiting.join(20)
        assert broker.consumer_busy_s("ai-messages") == 0.0
        consumer.close()


def _send_until(ended: threading.Event, broker: AnyBroker) -> None:
    while not ended.wait(0.01):
        with suppress(ConnectionClosed):
            broker.send_tokens("ai-messages", 1)


def test_no_thread_keeps_a_connection_that_nobody_answers(amqp_url: str, vhost: str, rabbitmq_admin: RabbitMQAdmin):
    """Whoever consumes has one connection, and who sends a token to be tried again leaves none behind."""
    broker = make_broker(amqp_url)
    consumers = []

    def consume_and_retry() -> None:
        consumers.append(broker.consume("ai-messages", prefetch=1, timeout=100))
        broker.enqueue(make_token("ai-messages"), delay=10)

    for _ in range(3):
        thread = threading.Thread(target=consume_and_retry)
        thread.start()
        thread.join(20)
    assert len(consumers) == 3
    wait_until(lambda: len(rabbitmq_admin.connections(vhost)) == 3, 20, "one for each consumer")
    for consumer in consumers:
        consumer.close()
    broker.close()


def test_an_acknowledgement_after_a_reconnect_takes_no_other_message(amqp_url: str):
    """Delivery tags restart with a connection: a late ack of an old message removes no unstarted one."""
    broker = make_broker(amqp_url)
    broker.send_tokens("ai-messages", 2)
    old = broker.consume("ai-messages", prefetch=1, timeout=2000)
    first = wait_until(lambda: next(old))
    old.close()
    new = broker.consume("ai-messages", prefetch=1, timeout=2000)
    second = wait_until(lambda: next(new))
    assert first._tag == second._tag, "the hazard: both have the same delivery tag"
    new.ack(first)
    new.close()
    wait_until(lambda: broker.tokens_ready("ai-messages") == 2, message="both tokens are still there")
    broker.close_outlet()
    broker.close()


def test_a_queue_that_was_deleted_is_declared_again(amqp_url: str):
    """A wiped broker takes the next token all the same."""
    broker = make_broker(amqp_url)
    broker.send_tokens("ai-messages", 1)
    broker.channel.queue_delete("ai-messages")
    broker.send_tokens("ai-messages", 3)
    wait_until(lambda: broker.tokens_ready("ai-messages") == 3)
    broker.close_outlet()
    broker.close()


def test_a_queue_that_is_deleted_again_at_once_is_a_broker_that_is_away(amqp_url: str, monkeypatch):
    """Gone before the token could be sent anew, it costs that token only: the next is sent as ever."""
    with closing(make_broker(amqp_url)) as broker:
        declare = broker.declare_queue

        def declare_in_vain(queue_name: str, *, ensure: bool) -> None:
            declare(queue_name, ensure=ensure)
            broker.channel.queue_delete(queue_name)

        with monkeypatch.context() as wiped:
            wiped.setattr(broker, "declare_queue", declare_in_vain)
            with pytest.raises(ConnectionClosed):
                broker.send_tokens("ai-messages", 1)
        broker.send_tokens("ai-messages", 2)
        wait_until(lambda: broker.tokens_ready("ai-messages") == 2)
        broker.close_outlet()


def test_a_count_of_none_is_asked_for_again(amqp_url: str, monkeypatch):
    """RabbitMQ says 0 too when the queue didn't answer it in time: the sweeper would publish all tokens anew."""
    with closing(make_broker(amqp_url)) as broker:
        broker.send_tokens("ai-messages", 3)
        wait_until(lambda: broker.tokens_ready("ai-messages") == 3)
        ask = broker.channel.queue_declare
        unanswered = pika.frame.Method(1, pika.spec.Queue.DeclareOk("ai-messages", 0, 0))
        answers = iter([unanswered])
        monkeypatch.setattr(broker.channel, "queue_declare", lambda **which: next(answers, None) or ask(**which))
        assert broker.tokens_ready("ai-messages") == 3
        broker.close_outlet()


def test_counting_in_a_deleted_queue_mends_itself(amqp_url: str):
    """The sweeper's look at a queue that is gone fails once, as a broker that is away, then finds it empty."""
    broker = make_broker(amqp_url)
    assert broker.tokens_ready("ai-messages") == 0
    broker.channel.queue_delete("ai-messages")
    with pytest.raises(ConnectionClosed):
        broker.tokens_ready("ai-messages")
    assert broker.tokens_ready("ai-messages") == 0
    broker.close()


def test_a_broker_that_is_away_costs_a_request_its_budget_at_most():
    """Publishing fails soon and without an exception; the message stays `pending`."""
    publisher = Publisher(make_broker(f"amqp://nobody:x@127.0.0.1:{free_port()}/"))
    publisher.start()
    assert publisher.publish("ai-messages", timeout_s=10) is False
    assert publisher.up is False
    assert publisher.request("ai-messages").result(0.5) is False, "while it is known to be away, the answer is at once"
    publisher.stop()


_LOOK_AT_A_BROKER_WITHOUT_A_NAME = """
from dramatiq.errors import ConnectionClosed
from relais.broker import make_broker
broker = make_broker("amqp://nobody:x@no-such-broker.invalid/")
for look in (broker.tokens_ready, lambda queue: broker.send_tokens(queue, 1)):
    try:
        look("ai-messages")
    except ConnectionClosed:
        print("away")
"""


def test_a_broker_whose_name_is_unknown_is_a_broker_that_is_away():
    """A container that is stopped leaves the DNS too: the sweeper's look at it fails as any outage does."""
    # In a process of its own: pika leaves the sockets of a failed connection to the garbage collector.
    looked = subprocess.run(
        [sys.executable, "-c", _LOOK_AT_A_BROKER_WITHOUT_A_NAME], capture_output=True, text=True, timeout=60, check=True
    )
    assert looked.stdout.split() == ["away", "away"]


def test_a_connection_that_is_reset_as_it_is_made_is_a_broker_that_is_away(amqp_url: str, monkeypatch):
    """A restart of RabbitMQ does that, and pika raises ValueError then: the sweeper must live on, and try again."""

    def reset(_socket: socket.socket) -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    with closing(make_broker(amqp_url)) as broker:
        assert isinstance(broker, TokenBroker)
        for act in (
            lambda: broker.tokens_ready("ai-messages"),
            lambda: broker.send_tokens("ai-messages", 1),
            broker.probe,
        ):
            with monkeypatch.context() as broken:
                broken.setattr(socket.socket, "getpeername", reset)
                with pytest.raises(ConnectionClosed, match="getpeername"):
                    act()
            broker.send_tokens("ai-messages", 1)
            broker.close_outlet()
        wait_until(lambda: broker.tokens_ready("ai-messages") == 3)


def test_a_broker_that_comes_back_is_used_again(private_rabbitmq):
    """After an outage the same publisher publishes, without a restart."""
    broker = make_broker(private_rabbitmq.url())
    publisher = Publisher(broker)
    publisher.start()
    assert publisher.publish("ai-messages", timeout_s=10)
    private_rabbitmq.stop()
    assert not publisher.publish("ai-messages", timeout_s=15)
    private_rabbitmq.start()
    wait_until(lambda: publisher.publish("ai-messages", timeout_s=10), 20, "published again")
    publisher.stop()
    broker.close()


def test_the_url_gets_time_limits_that_it_does_not_set():
    """Pika's defaults wait for ever on a blocked broker; a value in the URL wins."""
    url = with_connection_limits("amqp://u:p@host:5672/vhost?heartbeat=7")
    assert "heartbeat=7" in url
    assert "blocked_connection_timeout=5" in url


def test_an_unknown_scheme_is_refused():
    """A mistyped broker URL says what it should begin with."""
    with pytest.raises(ValueError, match="amqp://"):
        make_broker("redis://localhost")
