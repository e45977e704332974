"""What operators see of one job's life."""

from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from relais.explain import Cause
from relais.lifecycle import State
from relais.store.texts import Texts
from relais.timeline import Attempt
from relais_api.messages.bodies import Citation, UtcTime


class AttemptBody(BaseModel):
    """An attempt: who made it, how long it waited and took (in seconds), what ended it.

    `began` is null when the ledger no longer reaches back to it, what tells of its end while it runs. `came_late` when
    its result came after its end, and was dropped.
    """

    model_config = ConfigDict(from_attributes=True)

    number: int
    worker: int | None
    worker_name: str | None
    began: UtcTime | None
    ended: UtcTime | None
    waited_s: float | None
    duration_s: float | None
    outcome: str | None
    error_code: str | None
    cause: str | None
    came_late: bool

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Make it of an attempt."""
        names = set(cls.model_fields) - {"duration_s"}
        fields = {name: getattr(attempt, name) for name in names}
        return cls(**fields, duration_s=attempt.duration_s())


class EventBody(BaseModel):
    """A line of the ledger."""

    model_config = ConfigDict(from_attributes=True)

    at: UtcTime
    transition: str
    to_state: str
    attempt: int
    worker: int | None
    error_code: str | None


class CauseBody(BaseModel):
    """Why the job is where it is, what shows it, and the safe next step."""

    cause: Cause
    summary: str
    next_step: str
    evidence: dict[str, Any]


class AnswerFigures(BaseModel):
    """An answer without its text; `citations` is how many there are."""

    grounded: bool
    model: str
    tokens_prompt: int | None
    tokens_completion: int | None
    generation_time_ms: int | None
    citations: int

    @classmethod
    def of(cls, texts: Texts) -> Self | None:
        """Make it of an answer; None while there is none."""
        if texts.content is None:
            return None
        fields = {name: getattr(texts, name) for name in set(cls.model_fields) - {"citations"}}
        return cls(**fields, citations=len(texts.citations or ()))


class TextsBody(BaseModel):
    """What was asked and answered, by whole ids; null until there is one. `draft` is the answer so far."""

    model_config = ConfigDict(from_attributes=True)

    job_id: UUID
    session_id: UUID | None
    question: str | None
    user_ref: str | None
    metadata: dict[str, Any] | None
    draft: str | None
    content: str | None
    citations: list[Citation] | None
    evidence: dict[str, Any] | None


class JobLife(BaseModel):
    """A job with its life so far; `session` is a ref, `document` a name.

    `texts` are null for keys of the scopes read and ops, and for the jobs of documents.
    """

    ref: str
    kind: str
    queue: str
    agent: str
    session: str | None
    document: str | None
    state: State
    queue_position: int | None
    attempt: int
    attempt_limit: int
    priority: int
    worker_id: int | None
    error_code: str | None
    error: str | None
    created_at: UtcTime
    run_at: UtcTime | None
    started_at: UtcTime | None
    finished_at: UtcTime | None
    explanation: CauseBody
    attempts: list[AttemptBody]
    events: list[EventBody]
    answer: AnswerFigures | None
    texts: TextsBody | None
