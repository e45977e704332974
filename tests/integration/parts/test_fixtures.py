"""The fixtures that the other tests stand on."""

import pika
import pytest
from sqlalchemy import Engine, inspect, text


@pytest.mark.parametrize("_round", [1, 2])
def test_every_test_gets_an_empty_database_of_the_current_schema(engine: Engine, _round: int) -> None:
    """What one test writes, the next doesn't see."""
    with engine.begin() as conn:
        assert "jobs" in inspect(conn).get_table_names()
        conn.execute(text("CREATE TABLE written_by_a_test ()"))


@pytest.mark.rabbitmq
@pytest.mark.parametrize("_round", [1, 2])
def test_every_test_gets_a_virtual_host_without_queues(amqp_url: str, _round: int) -> None:
    """A queue that one test leaves behind doesn't reach the next."""
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        declared = connection.channel().queue_declare("left-over", durable=True)
        assert declared.method.message_count == 0
        connection.channel().basic_publish("", "left-over", b"")
