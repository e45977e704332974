"""The two addresses of an agent: its public face, and where messages go."""

from typing import Any, Final, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from relais_api.chat.body import MessageBody
from relais_api.chat.posting import post
from relais_api.http import problems
from relais_api.http.openapi import location, problem_responses
from relais_api.messages.bodies import Receipt, StatusBody
from relais_api.page import PAGE_HEADERS, render_page
from relais_api.parts import Parts, PartsOf

router: Final = APIRouter(prefix="/c/{token}", tags=["Chat"])

_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": MessageBody.model_json_schema()}}},
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            "description": "The same key with the same body gives the same message again.",
        },
        {
            "name": "Prefer",
            "in": "header",
            "schema": {"type": "string", "example": "wait=30"},
            "description": "`wait=N` (RFC 7240): answer with the status body once the message ends within N ≤ 60 s.",
        },
    ],
}
_FACE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_TAKEN: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": StatusBody,
        "description": "`Prefer: wait` was honoured and the message has ended.",
        "headers": location("message's status"),
    },
    202: {"headers": location("message's status")},
}


class PublicFace(BaseModel):
    """What anybody with the token may know of an agent."""

    name: str
    greeting: str
    max_content_chars: int


@router.get(
    "",
    response_model=PublicFace,
    responses=_FACE | problem_responses(problems.UnknownAgent, problems.DatabaseUnavailable),
)
async def show_agent(token: str, request: Request, parts: PartsOf) -> Response:
    """Show the agent's public face; a browser, which asks for `text/html`, gets the chat page."""
    agent = await parts.agents.find(token)
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(render_page(agent), headers=PAGE_HEADERS)
    face = PublicFace(name=agent.name, greeting=agent.greeting, max_content_chars=agent.max_content_chars)
    return Response(face.model_dump_json(), media_type="application/json", headers={"Vary": "Accept"})


@router.post(
    "/message",
    status_code=202,
    response_model=Receipt,
    openapi_extra=_BODY,
    responses={
        **_TAKEN,
        **problem_responses(
            problems.UnknownAgent,
            problems.UnknownSession,
            problems.IdempotencyConflict,
            problems.TooLarge,
            problems.WrongMediaType,
            problems.Invalid,
            problems.QueueFull,
            problems.DatabaseUnavailable,
            problems.Overloaded,
        ),
    },
)
async def post_message(token: str, request: Request) -> Response:
    """Accept a message; the answer is made in the background."""
    return await post(cast("Parts", request.app.state.parts), token, request)
