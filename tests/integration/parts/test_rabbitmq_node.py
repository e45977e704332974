"""The private RabbitMQ node, as `relais up --rabbitmq` uses it."""

import socket
import subprocess
import sys
from pathlib import Path

import pika
import psutil
import pytest

from relais_cli.parts.rabbitmq_node import HOST, RabbitMQNode
from support.servers import short_folder
from support.waiting import wait_until

pytestmark = pytest.mark.rabbitmq

START_AND_SAY_PIDS = """
import sys, pathlib
from relais_cli.parts.rabbitmq_node import RabbitMQNode
folder = pathlib.Path(sys.argv[1])
RabbitMQNode(folder).start()
print((folder / "node.pid").read_text(), (folder / "epmd.pid").read_text(), flush=True)
sys.stdin.read()
"""


def _send(node: RabbitMQNode) -> None:
    with pika.BlockingConnection(pika.URLParameters(node.url())) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", "kept", b"token", pika.BasicProperties(delivery_mode=2))


def _queue_exists(node: RabbitMQNode) -> bool:
    with pika.BlockingConnection(pika.URLParameters(node.url())) as connection:
        try:
            connection.channel().queue_declare("kept", passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            return False
        return True


def test_it_keeps_its_queues_over_a_kill_and_forgets_them_when_wiped(private_rabbitmq: RabbitMQNode) -> None:
    """The address stays the same through kill, wipe and start; only a wipe loses queues."""
    address = private_rabbitmq.url()
    _send(private_rabbitmq)
    private_rabbitmq.kill()
    private_rabbitmq.start()
    assert _queue_exists(private_rabbitmq)
    private_rabbitmq.kill()
    private_rabbitmq.wipe()
    private_rabbitmq.start()
    assert not _queue_exists(private_rabbitmq)
    assert private_rabbitmq.url() == address


@pytest.mark.parametrize("reset", [ValueError("Expected connected socket"), OSError("reset"), ConnectionResetError()])
def test_a_connection_reset_while_it_starts_means_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reset: Exception
) -> None:
    """A node that accepts and resets isn't ready yet; pika says so by errors that are none of AMQP's too."""

    def connect(_parameters: pika.URLParameters) -> None:
        raise reset

    node = RabbitMQNode(tmp_path)
    monkeypatch.setattr(pika, "BlockingConnection", connect)
    with socket.create_server((HOST, node.port)):
        assert not node._is_ready()


def test_it_listens_on_loopback_only(rabbitmq: RabbitMQNode) -> None:
    """Neither AMQP nor Erlang's distribution can be reached from another machine."""
    pid_files = sorted(Path(rabbitmq.folder).glob("*.pid"))
    programs = [psutil.Process(int(path.read_text())) for path in pid_files]
    listening = [c for program in programs for c in program.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert len(programs) == 2
    assert (HOST, rabbitmq.port) in {connection.laddr for connection in listening}
    assert {connection.laddr.ip for connection in listening} <= {HOST, "::1"}


def test_a_wrong_password_is_refused(rabbitmq: RabbitMQNode) -> None:
    """The node's only user has a random password; `guest` doesn't exist."""
    parameters = pika.URLParameters(f"amqp://guest:guest@{HOST}:{rabbitmq.port}/%2F")
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(parameters)


def test_its_secrets_are_readable_by_the_owner_alone(rabbitmq: RabbitMQNode) -> None:
    """Password and configuration have mode 0600, and the folder 0700."""
    modes = {path.name: path.stat().st_mode & 0o777 for path in (rabbitmq.folder, *rabbitmq.folder.iterdir())}
    assert modes["password"] == modes["rabbitmq.conf"] == 0o600
    assert modes[rabbitmq.folder.name] == 0o700


def test_a_sigkill_of_the_starter_ends_the_node_and_its_port_mapper() -> None:
    """Nothing is left behind when `relais up --rabbitmq` is killed."""
    with short_folder("mq") as folder:
        command = [sys.executable, "-c", START_AND_SAY_PIDS, str(folder / "rabbitmq")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
            assert starter.stdout
            programs = [psutil.Process(int(pid)) for pid in starter.stdout.readline().split()]
            starter.kill()
        assert len(programs) == 2
        wait_until(lambda: not any(program.is_running() for program in programs), 45, "node and epmd end")
