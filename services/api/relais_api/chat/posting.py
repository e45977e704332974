"""What happens to a posted message until its sender has a reply: read, accept, announce, reply."""

from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from relais.lifecycle import TERMINAL, State
from relais.queues import AI_MESSAGES
from relais.store.accept import Acceptance, NewMessage
from relais.store.admission import Full
from relais.store.agents import Agent
from relais.store.status import find_status
from relais_api.batching import LineTooLongError
from relais_api.chat.body import MessageBody, fingerprint
from relais_api.chat.reading import read_idempotency_key, read_message
from relais_api.chat.refusing import queue_full
from relais_api.database import DatabaseAwayError
from relais_api.http import problems
from relais_api.http.preferences import preferred_wait_s
from relais_api.messages.bodies import Receipt, receipt
from relais_api.messages.waiting import wait_for_end
from relais_api.parts import Parts

_OVERLOAD_RETRY_S = 1
_MOVING = {"status", "queue_position", "eta_seconds"}


async def post(parts: Parts, token: str, request: Request) -> Response:
    """Accept the message that `request` carries and say where it is.

    Raises:
        ApiProblem: it is refused, or can't be accepted now.
    """
    agent = await parts.agents.find(token)
    body = await read_message(request, agent)
    message = _new_message(agent, body, read_idempotency_key(request))
    acceptance = await _accept(parts, message)
    reply = await _receipt(parts, acceptance)
    wait_s = preferred_wait_s(request.headers.getlist("prefer"))
    return await _reply_later(parts, reply, wait_s) if wait_s is not None else _accepted(reply)


def _new_message(agent: Agent, body: MessageBody, idempotency_key: str | None) -> NewMessage:
    return NewMessage(
        message_id=uuid4(),
        agent_id=agent.id,
        session_id=body.session_id or uuid4(),
        new_session=body.session_id is None,
        content=body.content,
        user_ref=body.user_ref,
        metadata=body.metadata,
        idempotency_key=idempotency_key,
        body_sha256=fingerprint(body),
        priority=agent.priority,
        max_attempts=agent.max_attempts,
        agent_limit=agent.max_waiting,
    )


async def _accept(parts: Parts, message: NewMessage) -> Acceptance:
    try:
        acceptance = await parts.acceptor.accept(message)
    except LineTooLongError:
        raise problems.Overloaded(
            "Too many requests are being written; send this one again.", retry_after_s=_OVERLOAD_RETRY_S
        ) from None
    if isinstance(acceptance, Full):
        raise queue_full(acceptance, await parts.lines.current())
    if acceptance.outcome == "unknown_session":
        raise problems.UnknownSession(
            "session_id names no session of this agent; leave it out to begin a new one.", field="session_id"
        )
    if acceptance.outcome == "conflict":
        raise problems.IdempotencyConflict(
            "Idempotency-Key was sent before with another body; use a new key for a new message.",
            headers={"x-should-retry": "false"},
        )
    return acceptance


async def _receipt(parts: Parts, acceptance: Acceptance) -> Receipt:
    state = await (_announced(parts, acceptance) if acceptance.outcome == "accepted" else _current(parts, acceptance))
    place: tuple[int | None, float | None] = (None, None)
    if state in (State.PENDING, State.QUEUED):
        lines = await parts.lines.current()
        key = (AI_MESSAGES.name, acceptance.priority, acceptance.ticket)
        place = (None, None) if lines is None else (lines.position(*key), lines.eta_seconds(*key))
    return receipt(acceptance.message_id, acceptance.session_id, state, place)


async def _announced(parts: Parts, acceptance: Acceptance) -> State:
    return State.QUEUED if await parts.announcer.announce(acceptance.message_id) else State.PENDING


async def _current(parts: Parts, acceptance: Acceptance) -> State:
    status = await parts.database.read(find_status, acceptance.message_id)
    return State.QUEUED if status is None else status.state


async def _reply_later(parts: Parts, reply: Receipt, wait_s: int) -> Response:
    try:
        body = await wait_for_end(parts, reply.message_id, wait_s)
    except DatabaseAwayError:
        return _accepted(reply)  # the message is committed, whatever happens to the database now
    if body.status in TERMINAL:
        headers = {"Preference-Applied": f"wait={wait_s}", "Location": reply.status_url}
        return Response(body.model_dump_json(), media_type="application/json", headers=headers)
    return _accepted(reply.model_copy(update=body.model_dump(include=_MOVING)))


def _accepted(reply: Receipt) -> Response:
    headers = {"Location": reply.status_url}
    return Response(reply.model_dump_json(), 202, headers=headers, media_type="application/json")
