"""The queues of Relais: which kind of job waits in which, and the actor that wakes for it."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a job does."""

    ANSWER = "answer"
    INGEST = "ingest"


@dataclass(frozen=True, slots=True)
class Queue:
    """A named queue; one Dramatiq actor of the name `actor` wakes workers for it."""

    name: str
    kind: Kind
    actor: str


AI_MESSAGES = Queue("ai-messages", Kind.ANSWER, "answer")
DOCUMENTS = Queue("documents", Kind.INGEST, "ingest")

ALL_QUEUES: tuple[Queue, ...] = (AI_MESSAGES, DOCUMENTS)
QUEUE_NAMES: tuple[str, ...] = tuple(queue.name for queue in ALL_QUEUES)
QUEUE_BY_NAME: dict[str, Queue] = {queue.name: queue for queue in ALL_QUEUES}
QUEUE_OF_KIND: dict[Kind, Queue] = {queue.kind: queue for queue in ALL_QUEUES}
