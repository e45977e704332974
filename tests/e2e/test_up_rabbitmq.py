"""`relais up --rabbitmq`: the services as processes over a private RabbitMQ node."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from relais_cli.parts.errors import PartError
from relais_cli.parts.rabbitmq_node import find_server
from support.servers import missing
from support.up import RelaisUp, relais_home
from support.waiting import wait_until

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(300)]


@pytest.fixture
def home() -> Iterator[RelaisUp]:
    try:
        find_server()
    except PartError as error:
        missing(str(error))
    with relais_home() as home:
        yield home


def _kill_service(home: RelaisUp, name: str) -> int:
    pid = int((home.home / "logs" / f"{name}.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    return pid


def _figures(home: RelaisUp) -> dict[str, Any]:
    figures: dict[str, Any] = home.call("queue", "status", "--json").check().json["figures"]
    return figures


def test_the_quickstart_on_rabbitmq(home: RelaisUp) -> None:
    """The same question is answered; a service that dies is started again; Ctrl-C ends all."""
    home.start("--rabbitmq", "--workers", "2")
    assert "Qdrant's local mode serves one process" in home.told
    answer = home.run("ask", "How does Relais recover when a worker dies?", "--json").check().json
    assert answer["grounded"]
    assert "life-of-a-message.md" in [citation["document"] for citation in answer["citations"]]
    wait_until(lambda: _figures(home)["workers"]["slots_idle"] == 2, 15, "both workers are free again")
    assert _figures(home)["broker"]["up"]

    killed = _kill_service(home, "worker-1")
    answer = home.call("ask", "What is a lease?", "--json").check().json
    assert answer["status"] == "completed"
    assert "restart" in home.event_names
    assert int((home.home / "logs" / "worker-1.pid").read_text()) != killed

    home.note_family()
    assert home.stop() == 0
    assert home.left_behind == []


def test_no_service_outlives_a_kill_and_the_next_start_has_all_data(home: RelaisUp) -> None:
    """SIGKILL of `relais up` ends every process it started; on the same home one process goes on with the data."""
    ready = home.start("--rabbitmq")
    home.kill()
    wait_until(lambda: not home.left_behind, 45, "every process has ended")
    again = home.start("--no-demo")
    assert home.call("ask", "What is a lease?", "--json").check().json["grounded"]
    assert home.call("agents", "show", "demo", "--json").check().json["token"] in ready["chat_url"]
    assert again["chat_url"] is None
    assert home.stop() == 0
