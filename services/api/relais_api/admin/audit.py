"""The address of the record of what operators changed."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel

from relais.refs import ref_of
from relais.store.audit import OperatorAction, read_actions
from relais_api.admin.job_filters import Word
from relais_api.admin.keys import NEEDS_READ
from relais_api.http import problems
from relais_api.http.cursors import decode_cursor, encode_cursor
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import UtcTime
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/audit",
    tags=["Administration"],
    dependencies=[NEEDS_READ],
    responses=problem_responses(
        problems.Unauthorized, problems.Forbidden, problems.Invalid, problems.DatabaseUnavailable
    ),
)


class ActionBody(BaseModel):
    """A change: who made it (the name of the key), what it was, what it was done to.

    `matching` is how many jobs the filter in `target` meant, null where there was none; `refs` are those of the first
    hundred jobs that changed.
    """

    id: int
    at: UtcTime
    actor: str
    action: str
    target: dict[str, Any]
    matching: int | None
    changed: int
    refs: list[str]


class ActionPage(BaseModel):
    """Changes by operators, the newest first."""

    actions: list[ActionBody]
    next_cursor: str | None


@router.get("")
async def show_actions(
    parts: PartsOf,
    actor: Annotated[Word | None, Query(description="Only those of this key.")] = None,
    action: Annotated[Word | None, Query(description="Only these, such as `retry` or `queue.pause`.")] = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ActionPage:
    """Show what operators changed, the newest first."""
    before = None if cursor is None else decode_cursor(cursor, int)[0]
    found = await parts.database.read(read_actions, before=before, limit=limit + 1, actor=actor, action=action)
    shown = [_body(one) for one in found[:limit]]
    return ActionPage(actions=shown, next_cursor=encode_cursor(shown[-1].id) if len(found) > limit else None)


def _body(one: OperatorAction) -> ActionBody:
    return ActionBody(
        id=one.id,
        at=one.at,
        actor=one.actor,
        action=one.action,
        target=one.target,
        matching=one.matching,
        changed=one.changed,
        refs=[ref_of(job_id) for job_id in one.job_ids],
    )
