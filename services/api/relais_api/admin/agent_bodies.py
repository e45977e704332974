"""What operators send and see of an agent."""

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from relais_api.chat.body import refuse_control_characters
from relais_api.messages.bodies import UtcTime

SLUG_PATTERN: Final = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_LONGEST_PROMPT: Final = 32_768
_MOST_WAITING: Final = 2_147_483_647
_FALLBACK: Final = "I found nothing about this in my documents."

_Line = Annotated[str, AfterValidator(refuse_control_characters)]
_Name = Annotated[_Line, Field(min_length=1, max_length=200, pattern=r"\S", description="Shown to users.")]
_Model = Annotated[_Line, Field(min_length=1, max_length=200, pattern=r"^\S+$", description="As Ollama names it.")]


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class AgentChanges(BaseModel):
    """The body of PATCH: any of these; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_without_defaults, allow_inf_nan=False)

    name: _Name = ""
    greeting: Annotated[_Line, Field(max_length=2_000)] = ""
    system_prompt: Annotated[_Line, Field(max_length=_LONGEST_PROMPT)] = ""
    chat_model: _Model = ""
    embedding_model: _Model = ""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.2
    context_tokens: Annotated[int, Field(ge=512, le=1_048_576, description="The model's window, `num_ctx`.")] = 4_096
    top_k: Annotated[int, Field(ge=1, le=50, description="Passages given to the model.")] = 5
    score_threshold: Annotated[float, Field(ge=0, le=1, description="Passages below it are left out.")] = 0.25
    allow_ungrounded: Annotated[bool, Field(description="Ask the model even when no passage was found.")] = False
    fallback_text: Annotated[_Line, Field(min_length=1, max_length=2_000)] = _FALLBACK
    max_content_chars: Annotated[int, Field(ge=1, le=262_144, description="Longest message, in characters.")] = 32_768
    priority: Annotated[int, Field(ge=-1_000, le=1_000, description="Smaller is served first.")] = 0
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    retry_backoff_s: Annotated[float, Field(ge=0, le=3_600, description="Doubles with each attempt.")] = 30.0
    deadline_s: Annotated[float, Field(ge=1, le=1_200, description="Seconds that one attempt may take.")] = 300.0
    max_waiting: Annotated[
        Annotated[int, Field(ge=1, le=_MOST_WAITING)] | None,
        Field(description="Messages that may wait; further ones get a 429. Null is no limit."),
    ] = None


class NewAgent(AgentChanges):
    """The body of POST: a slug, a name and the models; the rest has defaults."""

    model_config = ConfigDict(json_schema_extra=None)

    slug: Annotated[str, Field(pattern=SLUG_PATTERN, description="The operators' name: a-z, 0-9 and hyphens.")]
    name: _Name
    chat_model: _Model
    embedding_model: _Model


class AgentBody(BaseModel):
    """An agent as operators see it; `paused_at` is null while its jobs are claimed."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    slug: str
    token: str
    name: str
    greeting: str
    system_prompt: str
    chat_model: str
    embedding_model: str
    temperature: float
    context_tokens: int
    top_k: int
    score_threshold: float
    allow_ungrounded: bool
    fallback_text: str
    max_content_chars: int
    priority: int
    max_attempts: int
    retry_backoff_s: float
    deadline_s: float
    max_waiting: int | None
    paused_at: UtcTime | None
    created_at: UtcTime
    updated_at: UtcTime


class AgentList(BaseModel):
    """All agents, by slug."""

    agents: list[AgentBody]
