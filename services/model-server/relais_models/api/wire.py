"""The requests of Ollama's API, as far as they are served; what else a client sends is ignored, as Ollama does."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.requests import Request

from relais_models.contract import ModelError, Sampling, Turn


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Call(BaseModel):
    model_config = ConfigDict(frozen=True)

    model: str = ""


class Options(BaseModel):
    """`options` of a chat or generate call."""

    model_config = ConfigDict(frozen=True)

    num_predict: int | None = None
    num_ctx: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0)
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    repeat_penalty: float | None = None
    stop: Annotated[list[str] | None, BeforeValidator(_as_list)] = None

    def sampling(self) -> Sampling:
        """As a model takes it: Ollama's -1 and -2 for `num_predict` mean no limit."""
        values = self.model_dump(exclude_none=True, exclude={"stop", "num_predict"})
        limited = self.num_predict is not None and self.num_predict >= 0
        return Sampling(num_predict=self.num_predict if limited else None, stop=tuple(self.stop or ()), **values)


class Message(BaseModel):
    """One message of a chat call."""

    role: str
    content: str = ""
    images: list[Any] | None = None


class _GenerationCall(_Call):
    stream: bool = True
    options: Options | None = None
    tools: list[Any] | None = None
    format: Any = None
    think: Any = None

    def sampling(self) -> Sampling:
        return (self.options or Options()).sampling()

    def unsupported(self) -> list[str]:
        """What the call asks for that no model here can do."""
        return [name for name in ("tools", "format") if getattr(self, name)]


class ChatCall(_GenerationCall):
    """The body of `POST /api/chat`."""

    messages: list[Message] = []

    def turns(self) -> list[Turn]:
        """The conversation."""
        return [Turn(message.role, message.content) for message in self.messages]

    def unsupported(self) -> list[str]:
        """Also images."""
        return super().unsupported() + ["images"] * any(message.images for message in self.messages)


class GenerateCall(_GenerationCall):
    """The body of `POST /api/generate`."""

    prompt: str = ""
    system: str = ""
    suffix: str = ""
    raw: bool = False
    images: list[Any] | None = None

    def turns(self) -> list[Turn]:
        """The prompt as a conversation; empty without one."""
        turns = [Turn("system", self.system), Turn("user", self.prompt)]
        return [turn for turn in turns if turn.content]

    def unsupported(self) -> list[str]:
        """Also images, infilling and raw prompts."""
        return super().unsupported() + [name for name in ("images", "suffix", "raw") if getattr(self, name)]


class EmbedCall(_Call):
    """The body of `POST /api/embed`."""

    input: Annotated[list[str], BeforeValidator(_as_list)] = []
    dimensions: int | None = None


class LegacyEmbedCall(_Call):
    """The body of `POST /api/embeddings`."""

    prompt: str = ""


class ShowCall(_Call):
    """The body of `POST /api/show`; older clients say `name`."""

    name: str = ""


CallT = TypeVar("CallT", bound=BaseModel)


async def read_call(request: Request, kind: type[CallT]) -> CallT:
    """Read the body, whatever its content type, as Ollama does.

    Raises:
        ModelError: 400, naming the field.
    """
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, problem["loc"])) or "body"
        raise ModelError(f"{field}: {problem['msg']}", 400) from None
