"""The sweeper learns what RabbitMQ is short of, though there may be no token to publish."""

import pytest
from sqlalchemy import Engine, text

from relais.broker import Publisher, make_broker
from relais.store.stats import read_stats
from relais_cli.parts.rabbitmq_node import RabbitMQNode
from relais_worker.sweeper import announce
from relais_worker.sweeper.announce import Announce
from support.rabbitmqctl import rabbitmqctl
from support.waiting import wait_until

_SETTINGS = {
    "disk": ("set_disk_free_limit", "1000000GB", "1MB"),
    "memory": ("set_vm_memory_high_watermark", "0.000001", "0.8"),
}


@pytest.mark.parametrize("resource", list(_SETTINGS))
def test_an_alarm_is_reported(private_rabbitmq: RabbitMQNode, engine: Engine, monkeypatch, resource):
    """Without an alarm none, with one its name, then none again; the node is up all the time."""
    monkeypatch.setattr(announce, "_PROBE_EVERY_S", 0.0)
    broker = make_broker(private_rabbitmq.url())
    publisher = Publisher(broker)
    publisher.start()
    sweep = Announce(engine, broker, publisher)

    def alarms() -> frozenset[str] | None:
        sweep()
        with engine.begin() as conn:
            report = read_stats(conn).broker
        assert report is not None
        assert report.up
        return report.alarms

    setting, short, enough = _SETTINGS[resource]
    wait_until(lambda: alarms() == frozenset(), 20, "the broker takes messages")
    rabbitmqctl(private_rabbitmq, setting, short)
    wait_until(lambda: alarms() == {resource}, 40, "the alarm is reported")
    rabbitmqctl(private_rabbitmq, setting, enough)
    wait_until(lambda: alarms() == frozenset(), 40, "the alarm is over")
    publisher.stop()
    broker.close()


def test_a_broker_in_memory_has_no_alarms(engine: Engine):
    """It is known to raise none: unknown, the two alerts of RabbitMQ's alarms could never be judged."""
    broker = make_broker("memory://")
    publisher = Publisher(broker)
    publisher.start()
    Announce(engine, broker, publisher)()
    with engine.begin() as conn:
        details = conn.execute(text("SELECT details FROM heartbeats WHERE part = 'broker'")).scalar_one()
        assert details["alarms"] == []
        report = read_stats(conn).broker
    assert report is not None
    assert report.alarms == frozenset()
    publisher.stop()
