"""The addresses of silences: for how long nobody is notified of an alert."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from relais.alert_names import ALERT_NAMES
from relais.store.audit import record_action
from relais.store.silences import Silence, active_silences, add_silence, end_silence
from relais_api.admin.keys import NEEDS_OPS, NEEDS_READ, Operator
from relais_api.chat.body import refuse_control_characters
from relais_api.chat.reading import json_only
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import UtcTime
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/silences",
    tags=["Administration"],
    responses=problem_responses(problems.Unauthorized, problems.Forbidden, problems.DatabaseUnavailable),
)

_LONGEST_MIN: Final = 43_200  # thirty days
_BIGGEST_ID: Final = 2**63 - 1
_JSON: Final = Depends(json_only)
_Line = Annotated[str, AfterValidator(refuse_control_characters)]


def _is_an_alert(name: str) -> str:
    if name not in ALERT_NAMES:
        raise PydanticCustomError("rule", "must be the name of an alert; docs/runbook.md has them all")
    return name


_Rule = Annotated[str, AfterValidator(_is_an_alert), WithJsonSchema({"type": "string", "enum": list(ALERT_NAMES)})]


class NewSilence(BaseModel):
    """The body of POST."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Annotated[_Rule, Field(description="The alert's name.")]
    minutes: Annotated[int, Field(ge=1, le=_LONGEST_MIN, description="From now on; thirty days at most.")]
    reason: Annotated[_Line, Field(max_length=500, description="For those who wonder later.")] = ""


class SilenceBody(BaseModel):
    """Nobody is notified that `rule` fires until `ends_at`; the alert itself is shown all the same."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    rule: str
    created_at: UtcTime
    ends_at: UtcTime
    actor: str
    reason: str


class SilenceList(BaseModel):
    """The silences that hold, the one that ends first at the top."""

    silences: list[SilenceBody]


@router.get("", dependencies=[NEEDS_READ])
async def show_silences(parts: PartsOf) -> SilenceList:
    """List the silences that hold."""
    found = await parts.database.read(active_silences)
    return SilenceList(silences=[SilenceBody.model_validate(one) for one in found])


@router.post(
    "",
    status_code=201,
    dependencies=[NEEDS_OPS, _JSON],
    responses=problem_responses(problems.Invalid, problems.WrongMediaType),
)
async def silence(new: NewSilence, parts: PartsOf, operator: Operator) -> SilenceBody:
    """Notify nobody of an alert for a while."""
    return SilenceBody.model_validate(await parts.database.write(_add, new, operator.name))


@router.delete("/{silence_id}", status_code=204, responses=problem_responses(problems.UnknownSilence, problems.Invalid))
async def end(silence_id: Annotated[int, Path(ge=1, le=_BIGGEST_ID)], parts: PartsOf, operator: Operator) -> Response:
    """End a silence now."""
    if not await parts.database.write(_end, silence_id, operator.name):
        raise problems.UnknownSilence("No silence with this id holds; GET /api/silences lists those that do.")
    return Response(status_code=204)


def _add(conn: Connection, new: NewSilence, actor: str) -> Silence:
    record_action(conn, actor=actor, action="silence.add", target=new.model_dump(mode="json"), changed=1)
    return add_silence(conn, rule=new.rule, minutes=new.minutes, actor=actor, reason=new.reason)


def _end(conn: Connection, silence_id: int, actor: str) -> bool:
    ended = end_silence(conn, silence_id)
    if ended is not None:
        target = {"silence": ended.id, "rule": ended.rule}
        record_action(conn, actor=actor, action="silence.end", target=target, changed=1)
    return ended is not None
