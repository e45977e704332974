"""The addresses that pause and resume an agent."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from relais.queues import QUEUE_NAMES
from relais.store.pausing import pause_agent, resume_agent
from relais_api.admin.agents import Slug
from relais_api.admin.keys import Operator
from relais_api.admin.pausing_record import is_paused, record_pausing
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import UtcTime
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/agents/{slug}",
    tags=["Administration"],
    responses=problem_responses(
        problems.Unauthorized, problems.Forbidden, problems.UnknownAgent, problems.Invalid, problems.DatabaseUnavailable
    ),
)


class AgentPause(BaseModel):
    """An agent; `paused_at` is null while its jobs are claimed."""

    slug: str
    paused_at: UtcTime | None


@router.post("/pause")
async def pause(slug: Slug, parts: PartsOf, operator: Operator) -> AgentPause:
    """Let no worker claim the agent's jobs; its messages are still accepted, running jobs go on."""
    paused_at = await parts.database.write(_pause, slug, operator.name)
    if paused_at is None:
        raise _unknown()
    return AgentPause(slug=slug, paused_at=paused_at)


@router.post("/resume")
async def resume(slug: Slug, parts: PartsOf, operator: Operator) -> AgentPause:
    """Let workers claim the agent's jobs again."""
    if not await parts.database.write(_resume, slug, operator.name):
        raise _unknown()
    for name in QUEUE_NAMES:  # one token each starts the work, the sweeper sends the rest
        parts.announcer.wake(name)
    return AgentPause(slug=slug, paused_at=None)


def _pause(conn: Connection, slug: str, actor: str) -> datetime | None:
    was_paused = is_paused(conn, "agent", slug)
    paused_at = pause_agent(conn, slug)
    if paused_at is not None:
        record_pausing(conn, "pause", "agent", slug, was_paused=was_paused, actor=actor)
    return paused_at


def _resume(conn: Connection, slug: str, actor: str) -> bool:
    was_paused = is_paused(conn, "agent", slug)
    found = resume_agent(conn, slug)
    if found:
        record_pausing(conn, "resume", "agent", slug, was_paused=was_paused, actor=actor)
    return found


def _unknown() -> problems.UnknownAgent:
    return problems.UnknownAgent("No agent has this slug; GET /api/agents lists them.")
