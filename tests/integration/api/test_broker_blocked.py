"""A broker that is there and takes nothing: messages are accepted all the same, and the API says what is degraded."""

from collections.abc import Callable, Iterator
from statistics import median

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from relais.broker import make_broker
from relais_api.main import make_server
from relais_cli.parts.rabbitmq_node import RabbitMQNode
from support.api import TOKEN, Api, serving, settings
from support.proxy import Proxy
from support.rabbitmqctl import rabbitmqctl
from support.seeding import make_agent
from support.waiting import wait_until

Make = Callable[[str], Api]


@pytest.fixture
def make_api(database_url: str, engine: Engine) -> Iterator[Make]:
    """An API over RabbitMQ; stopped at the end."""
    make_agent(engine, token=TOKEN)
    servers = []

    def make(broker_url: str) -> Api:
        serve = serving(make_server(settings(database_url, broker_url=SecretStr(broker_url)), make_broker(broker_url)))
        servers.append(serve)
        return Api(serve.__enter__(), engine, None)

    yield make
    for serve in servers:
        serve.__exit__(None, None, None)


def _degraded(client: httpx.Client) -> set[str]:
    reply = client.get("/readyz")
    assert reply.status_code == 200, "the broker alone makes nobody unready"
    return {part["part"] for part in reply.json()["degraded"]}


def _posts(api: Api) -> str:
    """Post; what state the receipt names."""
    return str(api.timed_post()[0]["status"])


def _assert_fast(took_s: list[float]) -> None:
    # The budget is 50 ms; on a loaded machine a single reply may be slow, most are not.
    assert median(took_s) < 0.5, "a reply waits no longer for the broker than its budget"


def test_a_memory_alarm_refuses_nobody(make_api: Make, private_rabbitmq: RabbitMQNode):
    """RabbitMQ blocks publishers without a word of when it ends: 202 with `pending`, degraded; then well again."""
    api = make_api(private_rabbitmq.url())
    wait_until(lambda: _posts(api) == "queued", 20, "the broker takes tokens")
    rabbitmqctl(private_rabbitmq, "set_vm_memory_high_watermark", "0.000001")
    wait_until(lambda: _posts(api) == "pending" and "rabbitmq" in _degraded(api.http), 40, "it blocks, and we say so")
    _assert_fast([api.timed_post()[1] for _ in range(10)])
    rabbitmqctl(private_rabbitmq, "set_vm_memory_high_watermark", "0.4")
    wait_until(lambda: _posts(api) == "queued" and "rabbitmq" not in _degraded(api.http), 40, "well again")


def test_a_broker_that_hangs_refuses_nobody(make_api: Make, amqp_url: str):
    """Half-open: connections neither work nor break. 202 with `pending`, degraded; then well again."""
    proxy = Proxy(amqp_url).start()
    api = make_api(proxy.reroute(amqp_url))
    took_s: list[float] = []
    for _ in range(5):  # only the first posts wait for a broker that hangs: then it is known to
        proxy.pass_on()
        wait_until(lambda: _posts(api) == "queued", 20, "the broker takes tokens")
        proxy.freeze()
        receipt, reply_s = api.timed_post()
        took_s.append(reply_s)
        assert receipt["status"] == "pending"
    _assert_fast(took_s)
    wait_until(lambda: _posts(api) == "pending" and "rabbitmq" in _degraded(api.http), 40, "it hangs, and we say so")
    proxy.pass_on()
    wait_until(lambda: _posts(api) == "queued" and "rabbitmq" not in _degraded(api.http), 40, "well again")
    proxy.stop()
