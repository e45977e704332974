"""The addresses of a message."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from relais.queues import AI_MESSAGES
from relais.store.jobs import cancel_job, retry_job
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import StatusBody, poll_again_s
from relais_api.messages.etags import matches, status_etag
from relais_api.messages.stream import Cursor, Event
from relais_api.messages.waiting import read_body, read_status, wait_for_change
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/messages/{message_id}",
    tags=["A message"],
    responses=problem_responses(problems.UnknownMessage, problems.Invalid, problems.DatabaseUnavailable),
)

_LONGEST_WAIT_S: Final = 30
_TAG: Final = {"ETag": {"description": "The tag of this body.", "required": True, "schema": {"type": "string"}}}
_EVENT: Final = {
    "title": "Event",
    "type": "object",
    "properties": {
        "event": {"enum": ["status", "delta", "reset", "done"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string", "pattern": "^[0-9]+:[0-9]+$"},
    },
    "required": ["event", "data"],
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "`status` (a status body), `delta` (`{attempt, offset, text}`), `reset` (`{attempt}`: drop the "
        "text so far), `done` (the final status body). The id of an event is `attempt:offset`, in characters.",
        "content": {"text/event-stream": {"schema": _EVENT}},
    }
}


@router.get(
    "/status",
    response_model=StatusBody,
    responses={200: {"headers": _TAG}, 304: {"description": "Nothing changed since `If-None-Match`.", "headers": _TAG}},
)
async def show_status(
    message_id: UUID,
    parts: PartsOf,
    wait: Annotated[int, Query(ge=0, description=f"Seconds to wait for a change, at most {_LONGEST_WAIT_S}.")] = 0,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Say where a message is; with `wait`, as soon as that differs from `If-None-Match` or from what it is now."""
    body = await read_body(parts, message_id)
    known = if_none_match or status_etag(body)
    if wait and matches(known, status_etag(body)) and poll_again_s(body) is not None:
        body = await wait_for_change(parts, message_id, status_etag(body), min(wait, _LONGEST_WAIT_S))
    return _status(body, if_none_match)


@router.get("/events", response_class=EventSourceResponse, responses=_STREAM)
async def stream_events(
    message_id: UUID, parts: PartsOf, last_event_id: Annotated[str, Header()] = ""
) -> EventSourceResponse:
    """Stream what happens to a message until it ends; resumes after `Last-Event-ID`."""
    await read_status(parts, message_id)
    events = parts.follower.follow(message_id, Cursor.resume(last_event_id))
    return EventSourceResponse(_encode(events), sep="\n", send_timeout=30)


@router.post("/retry", status_code=202, response_model=StatusBody, responses=problem_responses(problems.WrongState))
async def retry(message_id: UUID, parts: PartsOf) -> Response:
    """Put a failed or cancelled message back into the queue, at its end."""
    status = await read_status(parts, message_id)
    if not await parts.database.write(retry_job, message_id):
        raise problems.WrongState(
            f"The message is {status.state}; only failed and cancelled messages can be retried.", state=status.state
        )
    parts.announcer.wake(AI_MESSAGES.name)
    return _accepted(await read_body(parts, message_id))


@router.post("/cancel", status_code=202, response_model=StatusBody)
async def cancel(message_id: UUID, parts: PartsOf) -> Response:
    """Cancel a message that waits or runs; one that has ended stays as it is."""
    await read_status(parts, message_id)
    if await parts.database.write(cancel_job, message_id):
        parts.announcer.wake(AI_MESSAGES.name)  # the next message of its session may run now
    return _accepted(await read_body(parts, message_id))


def _status(body: StatusBody, if_none_match: str) -> Response:
    headers = {"ETag": status_etag(body), "Cache-Control": "no-cache"}
    again_s = poll_again_s(body)
    if again_s is not None:
        headers["Retry-After"] = str(again_s)
    if if_none_match and matches(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body.model_dump_json(), media_type="application/json", headers=headers)


def _accepted(body: StatusBody) -> Response:
    headers = {"Location": f"/api/messages/{body.message_id}/status"}
    return Response(body.model_dump_json(), 202, headers=headers, media_type="application/json")


async def _encode(events: AsyncIterator[Event]) -> AsyncIterator[ServerSentEvent]:
    async for event in events:
        yield ServerSentEvent(data=event.data, event=event.name, id=event.id)
