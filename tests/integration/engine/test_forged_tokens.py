"""A worker whose queue holds what isn't a token: it is thrown away, and the work goes on."""

import pika
import pytest
from sqlalchemy import Engine, text

from relais.queues import AI_MESSAGES
from support.forged_tokens import FORGED, MALFORMED, POSTPONED
from support.seeding import accept_many, make_agent, state_of
from support.waiting import wait_until


def _publish(channel: pika.adapters.blocking_connection.BlockingChannel, bodies: list[bytes]) -> None:
    for body in bodies:
        channel.basic_publish("", AI_MESSAGES.name, body)


def _left(channel: pika.adapters.blocking_connection.BlockingChannel) -> int:
    return channel.queue_declare(AI_MESSAGES.name, passive=True).method.message_count


@pytest.mark.parametrize("bodies", [MALFORMED, FORGED, POSTPONED], ids=["malformed", "forged", "postponed"])
def test_what_is_no_token_is_thrown_away(engine: Engine, start_worker, gate, amqp_url: str, bodies: list[bytes]):
    """Nothing that somebody published stops the consumer, fills what it fetches, or costs a job its attempt."""
    agent = make_agent(engine)
    start_worker(gate, broker_url=amqp_url)
    (running,) = accept_many(engine, agent, 1)
    wait_until(lambda: gate.started, 20, "it runs")
    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    channel = connection.channel()
    _publish(channel, bodies)
    wait_until(lambda: _left(channel) == 0, 20, "thrown away")
    connection.close()
    gate.open.set()
    (late,) = accept_many(engine, agent, 1)
    wait_until(lambda: {state_of(engine, job) for job in (running, late)} == {"completed"}, 10, "both are answered")
    with engine.begin() as conn:
        assert conn.execute(text("SELECT max(attempt) FROM jobs")).scalar_one() == 1
