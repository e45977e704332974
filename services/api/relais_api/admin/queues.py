"""The addresses of queues: pause and resume."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from relais.queues import QUEUE_NAMES
from relais.store.pausing import pause_queue, resume_queue
from relais_api.admin.keys import Operator
from relais_api.admin.pausing_record import is_paused, record_pausing
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import UtcTime
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/queues/{name}",
    tags=["Administration"],
    responses=problem_responses(
        problems.Unauthorized, problems.Forbidden, problems.UnknownQueue, problems.DatabaseUnavailable
    ),
)


class QueueBody(BaseModel):
    """A queue; `paused_at` is null while its jobs are claimed."""

    name: str
    paused_at: UtcTime | None


@router.post("/pause")
async def pause(name: str, parts: PartsOf, operator: Operator) -> QueueBody:
    """Let no worker claim from the queue; messages are still accepted, running jobs go on."""
    check_queue(name)
    return QueueBody(name=name, paused_at=await parts.database.write(_pause, name, operator.name))


@router.post("/resume")
async def resume(name: str, parts: PartsOf, operator: Operator) -> QueueBody:
    """Let workers claim from the queue again."""
    check_queue(name)
    await parts.database.write(_resume, name, operator.name)
    parts.announcer.wake(name)
    return QueueBody(name=name, paused_at=None)


def check_queue(name: str) -> None:
    """Refuse a name that no queue has.

    Raises:
        UnknownQueue: it is none.
    """
    if name not in QUEUE_NAMES:
        raise problems.UnknownQueue(f"There is no such queue; the queues are {', '.join(QUEUE_NAMES)}.")


def _pause(conn: Connection, name: str, actor: str) -> datetime:
    record_pausing(conn, "pause", "queue", name, was_paused=is_paused(conn, "queue", name), actor=actor)
    return pause_queue(conn, name)


def _resume(conn: Connection, name: str, actor: str) -> None:
    record_pausing(conn, "resume", "queue", name, was_paused=is_paused(conn, "queue", name), actor=actor)
    resume_queue(conn, name)
