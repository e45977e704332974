"""Tokens that nobody of ours sent, or that come twice, late or in another order: published straight into the queues."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pika

from faults.fault import Fault
from faults.rig import Rig
from relais.broker.tokens import make_token
from relais.queues import AI_MESSAGES, DOCUMENTS
from support.forged_tokens import FORGED, MALFORMED, POSTPONED

Inject = Callable[[Rig, random.Random], AbstractContextManager[object]]

_MANY = 3_000


@contextmanager
def _channel(rig: Rig) -> Iterator[Any]:
    connection = pika.BlockingConnection(pika.URLParameters(rig.rabbitmq.url()))
    try:
        yield connection.channel()
    finally:
        connection.close()


def _publish(rig: Rig, bodies: list[bytes], queue: str = AI_MESSAGES.name) -> None:
    with _channel(rig) as channel:
        for body in bodies:
            channel.basic_publish("", queue, body)


@contextmanager
def _malformed(rig: Rig, rng: random.Random) -> Iterator[None]:
    """Bodies that are no messages at all."""
    _publish(rig, rng.sample(MALFORMED, len(MALFORMED)))
    yield


@contextmanager
def _forgeries(rig: Rig, rng: random.Random) -> Iterator[None]:
    """Messages for actors, queues and options that no token has."""
    _publish(rig, rng.sample(FORGED, len(FORGED)))
    yield


@contextmanager
def _postponed(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Messages that ask to be kept for years."""
    _publish(rig, POSTPONED)
    yield


@contextmanager
def _duplicates(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Thousands of wake-ups for a handful of messages, half of them the very same token."""
    same = make_token(AI_MESSAGES.name).encode()
    _publish(rig, [same, make_token(AI_MESSAGES.name).encode()] * (_MANY // 2))
    yield


@contextmanager
def _stale_and_reordered(rig: Rig, rng: random.Random) -> Iterator[None]:
    """Tokens are taken out, kept, and come back twice each and in another order, some of them in the wrong queue."""
    taken: list[bytes] = []
    with _channel(rig) as channel:
        for queue in (AI_MESSAGES.name, DOCUMENTS.name):
            for _ in range(200):
                method, _properties, body = channel.basic_get(queue, auto_ack=True)
                if method is None:
                    break
                taken.append(body)
    try:
        yield
    finally:
        late = [*taken, *taken, *(make_token(AI_MESSAGES.name).encode() for _ in range(20))]
        rng.shuffle(late)
        _publish(rig, late)
        _publish(rig, late[:10], DOCUMENTS.name)


FAULTS = (
    Fault("tokens.malformed", _malformed, costs_attempts=False),
    Fault("tokens.forged", _forgeries, shortcut=True, pace="slow", costs_attempts=False),
    Fault("tokens.postponed", _postponed, costs_attempts=False),
    Fault("tokens.duplicated", _duplicates, costs_attempts=False),
    Fault("tokens.stale_and_reordered", _stale_and_reordered, costs_attempts=False),
)
