"""A token: a wake-up that says only "there is work on this queue"; which work, PostgreSQL decides."""

import time
from typing import Any

import dramatiq
from dramatiq.common import q_name
from dramatiq.errors import DecodeError

from relais.queues import QUEUE_BY_NAME

# What Dramatiq's `Retries` adds when the database was away, with the type of each.
_OPTIONS: dict[str, type] = {"retries": int, "traceback": str, "requeue_timestamp": int, "eta": int}
# Above the longest backoff. A worker keeps a message until its time has come, and few of them leave no room for others.
_LONGEST_DELAY_MS = 120_000


def make_token(queue_name: str) -> dramatiq.Message[None]:
    """Make a token for the actor of a queue; it carries no ids and no texts."""
    queue = QUEUE_BY_NAME[queue_name]
    return dramatiq.Message(queue_name=queue.name, actor_name=queue.actor, args=(), kwargs={}, options={})


def is_token(body: bytes, queue_name: str) -> bool:
    """Tell whether a message of this queue (or of its queue of delayed ones) is a token, fresh or to be tried again."""
    try:
        message: Any = dramatiq.Message.decode(body)
    except DecodeError:
        return False
    return (
        message.queue_name == queue_name
        and message.actor_name == QUEUE_BY_NAME[q_name(queue_name)].actor
        and not message.args
        and not message.kwargs
        and _are_ours(message.options)
    )


def _are_ours(options: Any) -> bool:
    if not isinstance(options, dict):
        return False
    return (
        all(name in _OPTIONS and type(value) is _OPTIONS[name] for name, value in options.items())
        and options.get("eta", 0) <= time.time() * 1000 + _LONGEST_DELAY_MS
    )
