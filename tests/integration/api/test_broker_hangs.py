"""RabbitMQ that hangs, or blocks because of an alarm: messages are accepted fast, readiness tells, stops are quick.

The bounds are behaviour: a reply waits 50 ms for the broker; asserted is many times that, for a loaded machine.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text

from relais.broker import make_broker
from relais_api.main import make_server
from relais_cli.parts.rabbitmq_node import RabbitMQNode
from support.api import TOKEN, Api, serving, settings
from support.proxy import Proxy
from support.rabbitmqctl import rabbitmqctl
from support.seeding import make_agent
from support.waiting import wait_until


@contextmanager
def frozen(_node: RabbitMQNode, proxy: Proxy) -> Iterator[None]:
    """What is sent is acknowledged by the network and never arrives."""
    proxy.freeze()
    yield
    proxy.pass_on()


@contextmanager
def alarmed(node: RabbitMQNode, _proxy: Proxy) -> Iterator[None]:
    """Memory is scarce: the node blocks every connection that publishes."""
    rabbitmqctl(node, "set_vm_memory_high_watermark", "0.000001")
    try:
        yield
    finally:
        rabbitmqctl(node, "set_vm_memory_high_watermark", "0.4")


@pytest.mark.parametrize("harm", [frozen, alarmed], ids=lambda harm: harm.__name__)
def test_messages_are_accepted_fast_while_the_broker_hangs(
    database_url: str, engine: Engine, rabbitmq: RabbitMQNode, amqp_url: str, harm: Callable[..., Any]
) -> None:
    """Every one with 202, most at once; readiness lists the broker; the API stops in time, or announces again."""
    make_agent(engine, token=TOKEN)
    proxy = Proxy(amqp_url).start()
    url = proxy.reroute(amqp_url)
    wanted = settings(database_url, broker_url=SecretStr(url), api_drain_s=1)
    with serving(make_server(wanted, make_broker(url))) as client:
        api = Api(client, engine, None)
        wait_until(lambda: api.post().json()["status"] == "queued", 20, "the broker is used")
        with harm(rabbitmq, proxy):
            wait_until(lambda: "rabbitmq" in _degraded(api), 20, "readiness tells")
            took_s = [api.timed_post()[1] for _ in range(100)]
            assert median(took_s) < 0.25
            assert client.get("/readyz").status_code == 200
        wait_until(lambda: api.post().json()["status"] == "queued", 60, "announced again without a restart")
        with frozen(rabbitmq, proxy):
            wait_until(lambda: "rabbitmq" in _degraded(api), 20)
            began = time.monotonic()
    proxy.stop()
    assert time.monotonic() - began < 6
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM jobs WHERE state = 'pending'")).scalar_one() >= 100


def _degraded(api: Api) -> list[str]:
    api.post()
    return [part["part"] for part in api.http.get("/readyz").json()["degraded"]]
