"""Fixtures: one RabbitMQ node for the run, and a virtual host for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from relais_cli.parts.rabbitmq_node import RabbitMQNode
from support.rabbitmq_admin import RabbitMQAdmin
from support.servers import running, short_folder

PLUGINS = ("rabbitmq_management",)
_numbers = itertools.count(1)


def _node(folder: Path) -> RabbitMQNode:
    return RabbitMQNode(folder / "rabbitmq", plugins=PLUGINS)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQNode]:
    """The run's RabbitMQ node; don't stop it (see `private_rabbitmq`)."""
    with short_folder("mq") as folder, running(_node(folder), end_by_kill=True) as node:
        yield node


@pytest.fixture(scope="session")
def rabbitmq_admin(rabbitmq: RabbitMQNode) -> Iterator[RabbitMQAdmin]:
    """Looks into the node and changes it, over its HTTP API."""
    with RabbitMQAdmin.of(rabbitmq) as admin:
        yield admin


@pytest.fixture
def vhost(rabbitmq_admin: RabbitMQAdmin) -> Iterator[str]:
    """The name of a virtual host without queues."""
    name = f"test-{next(_numbers)}"
    rabbitmq_admin.make_vhost(name)
    yield name
    rabbitmq_admin.drop_vhost(name)


@pytest.fixture
def amqp_url(rabbitmq: RabbitMQNode, vhost: str) -> str:
    """The address of the test's own virtual host, for `RELAIS_BROKER_URL`."""
    return rabbitmq.url(vhost)


@pytest.fixture
def private_rabbitmq() -> Iterator[RabbitMQNode]:
    """A node of the test's own, to be stopped, killed and wiped at will; costs about six seconds."""
    with short_folder("mq") as folder, running(_node(folder), end_by_kill=True) as node:
        yield node
