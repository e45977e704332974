"""What infra/rabbitmq lets each service do, on a real node."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pika.exceptions
import pytest
from dramatiq import Message

from relais.broker.rabbitmq import TokenBroker
from relais.queues import QUEUE_NAMES
from relais_cli.parts.rabbitmq_node import HOST, RabbitMQNode
from support.rabbitmq_admin import RabbitMQAdmin
from support.waiting import wait_until

pytestmark = pytest.mark.rabbitmq

INFRA = Path(__file__).parents[3] / "infra" / "rabbitmq"
USERS = ("api", "worker", "sweeper", "monitor")
PASSWORDS = {f"RABBITMQ_{user.upper()}_PASSWORD": f"password-of-the-{user}" for user in USERS}
REFUSED = pika.exceptions.ChannelClosedByBroker
Connect = Callable[[str], pika.BlockingConnection]


def _render(result: Path, passwords: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [INFRA / "entrypoint", INFRA / "definitions.json", result, "env"]
    return subprocess.run(
        command, env={"PATH": os.environ["PATH"], **passwords}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The definitions as the container's entry script writes them."""
    result = tmp_path_factory.mktemp("definitions") / "definitions.json"
    assert _render(result, PASSWORDS).returncode == 0
    return json.loads(result.read_text())


@pytest.fixture
def url_of(
    rabbitmq: RabbitMQNode, rabbitmq_admin: RabbitMQAdmin, definitions: dict[str, object]
) -> Iterator[Callable[[str], str]]:
    """The address of a blank virtual host `relais` for a service's user."""
    rabbitmq_admin.import_definitions(definitions)
    yield lambda user: f"amqp://{user}:password-of-the-{user}@{HOST}:{rabbitmq.port}/relais"
    rabbitmq_admin.drop_vhost("relais")


@pytest.fixture
def connect(url_of: Callable[[str], str]) -> Iterator[Connect]:
    """Opens plain connections, closed after the test."""
    opened: list[pika.BlockingConnection] = []

    def open_one(user: str) -> pika.BlockingConnection:
        opened.append(pika.BlockingConnection(pika.URLParameters(url_of(user))))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


def _publish(url: str) -> None:
    broker = TokenBroker(url, [])
    for queue in QUEUE_NAMES:
        broker.enqueue(Message(queue_name=queue, actor_name="answer", args=(), kwargs={}, options={}))
    broker.close()


@pytest.mark.parametrize("user", ["api", "worker", "sweeper"])
def test_who_announces_work_can_declare_and_publish_on_a_blank_broker(
    url_of: Callable[[str], str], connect: Connect, user: str
) -> None:
    """After a wipe, whichever service comes first makes the queues; its tokens are confirmed."""
    _publish(url_of(user))
    for queue in QUEUE_NAMES:
        assert connect("worker").channel().queue_declare(queue, passive=True).method.message_count == 1


def test_the_worker_takes_and_acknowledges_tokens(url_of: Callable[[str], str], connect: Connect) -> None:
    """The worker may read its queues."""
    _publish(url_of("api"))
    channel = connect("worker").channel()
    for queue in QUEUE_NAMES:
        method, _, _ = channel.basic_get(queue)
        assert method is not None, f"a token of {queue} was there to be taken"
        channel.basic_ack(method.delivery_tag)


@pytest.mark.parametrize("user", ["api", "sweeper", "monitor"])
def test_nobody_but_the_worker_takes_tokens(url_of: Callable[[str], str], connect: Connect, user: str) -> None:
    """A broken or stolen API can't swallow the wake-ups."""
    _publish(url_of("api"))
    with pytest.raises(REFUSED, match="ACCESS_REFUSED"):
        connect(user).channel().basic_get("ai-messages")


@pytest.mark.parametrize("user", USERS)
def test_nobody_makes_other_queues(connect: Connect, user: str) -> None:
    """A user's rights end at the queues of Relais."""
    with pytest.raises(REFUSED, match="ACCESS_REFUSED"):
        connect(user).channel().queue_declare("ai-messages-and-more")


@pytest.mark.parametrize("user", USERS)
def test_nobody_publishes_past_the_default_exchange(connect: Connect, user: str) -> None:
    """Other exchanges are closed, those that RabbitMQ brings along among them."""
    channel = connect(user).channel()
    channel.confirm_delivery()
    with pytest.raises(REFUSED, match="ACCESS_REFUSED"):
        channel.basic_publish("amq.topic", "anything", b"")


def test_the_monitor_can_ask_how_long_a_queue_is_and_nothing_else(
    url_of: Callable[[str], str], connect: Connect
) -> None:
    """It sees the depth, and can neither publish nor declare."""
    _publish(url_of("api"))
    assert connect("monitor").channel().queue_declare("ai-messages", passive=True).method.message_count == 1
    with pytest.raises(REFUSED, match="ACCESS_REFUSED"):
        connect("monitor").channel().queue_declare("ai-messages", durable=True)
    channel = connect("monitor").channel()
    channel.confirm_delivery()
    with pytest.raises(REFUSED, match="ACCESS_REFUSED"):
        channel.basic_publish("", "ai-messages", b"")


def test_tokens_are_not_delivered_for_ever(url_of: Callable[[str], str], rabbitmq_admin: RabbitMQAdmin) -> None:
    """The policy gives RabbitMQ 3.10 the delivery limit that 4.x has by default."""
    _publish(url_of("api"))

    def policies() -> set[str | None]:
        queues = rabbitmq_admin.queues("relais")
        return {queues[name].get("policy") for name in QUEUE_NAMES if name in queues}

    wait_until(lambda: policies() == {"tokens"}, message="the statistics show the policy")


def test_an_import_at_the_next_start_takes_new_passwords(
    rabbitmq: RabbitMQNode, rabbitmq_admin: RabbitMQAdmin, definitions: dict[str, object], connect: Connect
) -> None:
    """A password is changed by changing the environment and restarting."""
    changed = json.loads(json.dumps(definitions).replace("password-of-the-api", "another-password"))
    rabbitmq_admin.import_definitions(changed)
    pika.BlockingConnection(pika.URLParameters(f"amqp://api:another-password@{HOST}:{rabbitmq.port}/relais")).close()
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connect("api")


UNUSABLE = ["", "short", 'quoted"quoted"quoted', "a/slash/needs/escaping", "spaces in the middle"]


@pytest.mark.parametrize("wrong", UNUSABLE)
def test_the_entry_script_refuses_a_missing_or_unusable_password(tmp_path: Path, wrong: str) -> None:
    """The line names the variable and where to read more; nothing is started."""
    outcome = _render(tmp_path / "definitions.json", PASSWORDS | {"RABBITMQ_SWEEPER_PASSWORD": wrong})
    assert outcome.returncode == 2
    assert "RABBITMQ_SWEEPER_PASSWORD must be set" in outcome.stderr
    assert outcome.stdout == ""
    assert not (tmp_path / "definitions.json").exists()


def test_the_entry_script_keeps_the_passwords_from_the_server_and_from_other_users(tmp_path: Path) -> None:
    """The command it starts sees no password in its environment; the file is closed to others."""
    result = tmp_path / "definitions.json"
    outcome = _render(result, PASSWORDS)
    assert "password-of-the" not in outcome.stdout
    assert result.stat().st_mode & 0o077 == 0
    assert "@" not in result.read_text()
