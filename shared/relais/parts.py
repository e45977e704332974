"""The parts outside Relais that jobs need, by the names that the register of workers, the status and metrics use."""

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """A server that a worker calls; it can be away while everything else works."""

    OLLAMA = "ollama"
    QDRANT = "qdrant"


ALARMS = frozenset({"disk", "memory"})
"""What a broker can run short of; RabbitMQ then takes no messages until there is more of it."""


@dataclass(frozen=True, slots=True)
class PartWords:
    """How people hear of a part: as a title, within a sentence, and what to do when it is down."""

    title: str
    name: str
    remedy: str


PART_WORDS: dict[Part, PartWords] = {
    Part.OLLAMA: PartWords(
        "The model server (Ollama)",
        "the model server (Ollama)",
        "start it, or correct RELAIS_OLLAMA_URL of the workers; the work goes on by itself",
    ),
    Part.QDRANT: PartWords(
        "The search index (Qdrant)",
        "the search index (Qdrant)",
        "start it, or correct RELAIS_QDRANT_URL of the workers; the work goes on by itself",
    ),
}
