"""Chooses the broker by its URL."""

from dramatiq import Middleware

from relais.broker.memory import MemoryBroker
from relais.broker.rabbitmq import TokenBroker

AnyBroker = MemoryBroker | TokenBroker


def make_broker(url: str, middleware: list[Middleware] | None = None) -> AnyBroker:
    """Make the broker for `amqp://…`, `amqps://…` or `memory://`; nothing connects yet.

    Raises:
        ValueError: another scheme.
    """
    if url.startswith("memory://"):
        return MemoryBroker(middleware or [])
    if url.startswith(("amqp://", "amqps://")):
        return TokenBroker(url, middleware or [])
    raise ValueError("the broker's URL must begin with amqp://, amqps:// or memory://")
