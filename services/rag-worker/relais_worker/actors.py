"""The Dramatiq actors: a token arrives, the executor looks for the next job of its queue."""

from collections.abc import Callable

import dramatiq
from dramatiq.middleware import Middleware, Retries, TimeLimit

from relais.broker import AnyBroker
from relais.queues import ALL_QUEUES, Kind

# DESIGN.md §2, rule 7: deadlines nest. The broker's consumer timeout (30 minutes by default) is above this.
LONGEST_DEADLINE_S = 1200
TIME_LIMIT_S = 1500

_PRIORITY = {Kind.ANSWER: 0, Kind.INGEST: 10}  # within one process, somebody who waits for an answer goes first


def actor_middleware() -> list[Middleware]:
    """What wraps an actor: a backstop for threads that hang, and retries of the infrastructure around a job.

    Job failures never reach `Retries`: the engine settles them in the database.
    """
    return [
        TimeLimit(time_limit=TIME_LIMIT_S * 1000),
        Retries(max_retries=10, min_backoff=1_000, max_backoff=30_000),
    ]


def declare_actors(broker: AnyBroker, run_next: Callable[[str], None]) -> None:
    """Declare one actor per queue on `broker`; each calls `run_next` with the name of its queue."""
    for queue in ALL_QUEUES:
        declare = dramatiq.actor(
            actor_name=queue.actor, queue_name=queue.name, broker=broker, priority=_PRIORITY[queue.kind]
        )
        declare(_bound(run_next, queue.name))


def _bound(run_next: Callable[[str], None], queue_name: str) -> Callable[[], None]:
    def wake() -> None:
        run_next(queue_name)

    return wake
