"""The address of a session's conversation."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from relais.store.history import Turn, read_session
from relais.store.line import Lines
from relais_api.http import problems
from relais_api.http.cursors import decode_cursor, encode_cursor
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import TurnBody, status_fields
from relais_api.parts import PartsOf

router: Final = APIRouter(tags=["A message"])


class ConversationPage(BaseModel):
    """Part of a conversation, oldest first."""

    session_id: UUID
    messages: list[TurnBody]
    next_cursor: str | None


@router.get(
    "/api/sessions/{session_id}/messages",
    response_model=ConversationPage,
    responses=problem_responses(problems.UnknownSession, problems.Invalid, problems.DatabaseUnavailable),
)
async def show_conversation(
    session_id: UUID,
    parts: PartsOf,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Show a conversation, oldest message first; `next_cursor` leads to the next page, null on the last."""
    after = 0 if cursor is None else decode_cursor(cursor, int)[0]
    turns = await parts.database.read(read_session, session_id, after=after, limit=limit + 1)
    if turns is None:
        raise problems.UnknownSession("No session has this id; check the address.")
    page = _page(session_id, turns, limit, await parts.lines.current())
    return Response(page.model_dump_json(), media_type="application/json")


def _page(session_id: UUID, turns: list[Turn], limit: int, lines: Lines | None) -> ConversationPage:
    shown = turns[:limit]
    bodies = [TurnBody(**status_fields(turn.status, lines), question=turn.question) for turn in shown]
    more = encode_cursor(shown[-1].seq) if len(turns) > limit else None
    return ConversationPage(session_id=session_id, messages=bodies, next_cursor=more)
