"""What the server asks of a model."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to generate; None leaves it to the model.

    Args:
        num_predict: most tokens to generate; None for as many as the model likes.
        num_ctx: tokens that prompt and answer may take together.
        stop: texts that end the answer and don't appear in it.
    """

    num_predict: int | None = None
    num_ctx: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    repeat_penalty: float | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the answer, usually a token; `thinking` is what a reasoning model says to itself."""

    text: str
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of an answer: why (`stop` or `length`), with the token counts."""

    reason: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Embedded(Finish):
    """The end of an embedding, which has no pieces: its vectors."""

    vectors: list[list[float]]


@dataclass(frozen=True, slots=True)
class Card:
    """What `/api/tags` and `/api/show` tell of a model; `info` has keys such as `general.architecture`."""

    name: str
    family: str
    format: str
    parameter_size: str
    quantization: str
    size_bytes: int
    capabilities: tuple[str, ...]
    info: dict[str, object] = field(default_factory=dict)


class ModelError(Exception):
    """The model refuses or breaks off; `status` is the HTTP status that says so."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


class ChatModel(Protocol):
    """Generates answers."""

    @property
    def card(self) -> Card:
        """What the model is."""
        ...

    def chat(self, turns: Sequence[Turn], sampling: Sampling) -> AsyncGenerator[Piece | Finish, None]:
        """Yield the answer in pieces, then one `Finish`; closing the iterator ends the generation.

        Raises:
            ModelError: the prompt is refused, or the generation broke off.
        """
        ...


class EmbeddingModel(Protocol):
    """Turns texts into vectors."""

    @property
    def card(self) -> Card:
        """What the model is."""
        ...

    async def embed(self, texts: Sequence[str], dimensions: int | None) -> list[list[float]]:
        """One vector of length 1 for each text, in their order.

        Raises:
            ModelError: `dimensions` can't be had.
        """
        ...
