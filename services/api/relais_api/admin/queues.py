"""The addresses of queues: pause and resume."""

from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

from relais.queues import QUEUE_NAMES
from relais.store.pausing import pause_queue, resume_queue
from relais_api.admin.keys import NEEDS_OPS
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import UtcTime
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/queues/{name}",
    tags=["Administration"],
    dependencies=[NEEDS_OPS],
    responses=problem_responses(
        problems.Unauthorized, problems.Forbidden, problems.UnknownQueue, problems.DatabaseUnavailable
    ),
)


class QueueBody(BaseModel):
    """A queue; `paused_at` is null while its jobs are claimed."""

    name: str
    paused_at: UtcTime | None


@router.post("/pause")
async def pause(name: str, parts: PartsOf) -> QueueBody:
    """Let no worker claim from the queue; messages are still accepted, running jobs go on."""
    check_queue(name)
    return QueueBody(name=name, paused_at=await parts.database.write(pause_queue, name))


@router.post("/resume")
async def resume(name: str, parts: PartsOf) -> QueueBody:
    """Let workers claim from the queue again."""
    check_queue(name)
    await parts.database.write(resume_queue, name)
    parts.announcer.wake(name)
    return QueueBody(name=name, paused_at=None)


def check_queue(name: str) -> None:
    """Refuse a name that no queue has.

    Raises:
        UnknownQueue: it is none.
    """
    if name not in QUEUE_NAMES:
        raise problems.UnknownQueue(f"There is no such queue; the queues are {', '.join(QUEUE_NAMES)}.")
