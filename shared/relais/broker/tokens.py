"""A token: a wake-up that says only "there is work on this queue"; which work, PostgreSQL decides."""

import dramatiq

from relais.queues import QUEUE_BY_NAME


def make_token(queue_name: str) -> dramatiq.Message[None]:
    """Make a token for the actor of a queue; it carries no ids and no texts."""
    queue = QUEUE_BY_NAME[queue_name]
    return dramatiq.Message(queue_name=queue.name, actor_name=queue.actor, args=(), kwargs={}, options={})
