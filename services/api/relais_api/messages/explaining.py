"""Explains why a message is where it is."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from relais.explain import Cause, Explanation, explain
from relais.lifecycle import State
from relais.store.explain import read_facts
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/messages/{message_id}",
    tags=["A message"],
    responses=problem_responses(problems.UnknownMessage, problems.Invalid, problems.DatabaseUnavailable),
)


class ExplanationBody(BaseModel):
    """The one cause why a message is where it is, what shows it, and the safe next step.

    `evidence` has the figures of the cause; times are seconds, and null is unknown.
    """

    message_id: UUID
    status: State
    cause: Cause
    summary: str
    next_step: str
    evidence: dict[str, Any]


@router.get("/explain")
async def show_explanation(message_id: UUID, parts: PartsOf) -> ExplanationBody:
    """Say why a message is where it is; knows the jobs of documents too."""
    lines = await parts.lines.current()
    facts = await parts.database.read(read_facts, message_id, lines)
    if facts is None:
        raise problems.UnknownMessage("No message has this id; check the address.")
    return _body(message_id, facts.state, explain(facts))


def _body(message_id: UUID, state: State, found: Explanation) -> ExplanationBody:
    return ExplanationBody(
        message_id=message_id,
        status=state,
        cause=found.cause,
        summary=found.summary,
        next_step=found.next_step,
        evidence={
            name: round(value, 1) if isinstance(value, float) else value for name, value in found.evidence.items()
        },
    )
