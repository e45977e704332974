"""The status body and the receipt, as API.md gives them."""

import math
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict

from relais.lifecycle import State
from relais.parts import Part
from relais.store.line import Lines
from relais.store.status import MessageStatus

_SHORTEST_POLL_S, _LONGEST_POLL_S = 1, 30

UtcTime = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class Citation(BaseModel):
    """A passage that the answer rests on."""

    index: int
    document: str
    chunk_id: str
    score: float
    text: str


class StatusBody(BaseModel):
    """Where a message is and, once completed, its answer.

    `content` and what follows it are null until `completed`; `error` and `error_code` unless the last attempt failed;
    `queue_position` is null once processing starts or while it can't be known; `waiting_for` names the parts that are
    down when a message waits and no worker can take it because of them.
    """

    model_config = ConfigDict(frozen=True)

    message_id: UUID
    session_id: UUID
    status: State
    queue_position: int | None
    eta_seconds: float | None
    queued_at: UtcTime
    processing_started_at: UtcTime | None
    processing_completed_at: UtcTime | None
    content: str | None
    citations: list[Citation] | None
    grounded: bool | None
    model: str | None
    tokens_prompt: int | None
    tokens_completion: int | None
    generation_time_ms: int | None
    error: str | None
    error_code: str | None
    retry_count: int
    attempt: int
    next_attempt_at: UtcTime | None
    waiting_for: list[Part] | None = None


class TurnBody(StatusBody):
    """A status body with the question that it answers."""

    question: str


class Receipt(BaseModel):
    """What a client gets for a message: its ids, its place, and where to look."""

    message_id: UUID
    session_id: UUID
    status: State
    queue_position: int | None
    eta_seconds: float | None
    status_url: str
    events_url: str


def status_fields(status: MessageStatus, lines: Lines | None) -> dict[str, Any]:
    """The fields of a `StatusBody`."""
    position, eta_s = place_in_line(status, lines)
    return {
        "message_id": status.message_id,
        "session_id": status.session_id,
        "status": status.state,
        "queue_position": position,
        "eta_seconds": eta_s,
        "queued_at": status.queued_at,
        "processing_started_at": status.started_at,
        "processing_completed_at": status.finished_at,
        "content": status.content,
        "citations": status.citations,
        "grounded": status.grounded,
        "model": status.model,
        "tokens_prompt": status.tokens_prompt,
        "tokens_completion": status.tokens_completion,
        "generation_time_ms": status.generation_time_ms,
        "error": status.error,
        "error_code": status.error_code,
        "retry_count": max(0, status.attempt - 1),
        "attempt": status.attempt,
        "next_attempt_at": status.run_at if status.waiting else None,
        "waiting_for": list(lines.waiting_for(status.queue)) or None if lines and status.waiting else None,
    }


def status_body(status: MessageStatus, lines: Lines | None) -> StatusBody:
    """Make the status body of a message from its row and a snapshot of the lines."""
    return StatusBody(**status_fields(status, lines))


def place_in_line(status: MessageStatus, lines: Lines | None) -> tuple[int | None, float | None]:
    """Position and estimated seconds of a waiting message; None and None for any other, or without a snapshot."""
    if lines is None or not status.waiting:
        return None, None
    key = (status.queue, status.priority, status.ticket)
    return lines.position(*key), lines.eta_seconds(*key)


def receipt(message_id: UUID, session_id: UUID, state: State, place: tuple[int | None, float | None]) -> Receipt:
    """Make the receipt of a message."""
    return Receipt(
        message_id=message_id,
        session_id=session_id,
        status=state,
        queue_position=place[0],
        eta_seconds=place[1],
        status_url=f"/api/messages/{message_id}/status",
        events_url=f"/api/messages/{message_id}/events",
    )


def poll_again_s(body: StatusBody) -> int | None:
    """Whole seconds after which asking again makes sense; None when nothing will change."""
    if body.status in (State.COMPLETED, State.FAILED, State.CANCELLED):
        return None
    wanted = 2.0
    if body.next_attempt_at is not None:
        wanted = max((body.next_attempt_at - datetime.now(UTC)).total_seconds(), body.eta_seconds or 0)
    elif body.status is not State.PROCESSING:
        wanted = (body.eta_seconds or 4.0) / 2  # halfway: the pace may change
    return min(max(math.ceil(wanted), _SHORTEST_POLL_S), _LONGEST_POLL_S)
