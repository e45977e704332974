"""Says whether the process runs, and whether it can serve."""

from typing import Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from relais.liveness import sweeper_is_late
from relais.parts import PART_WORDS, Part
from relais.store.health import Health, read_health
from relais.store.migrate import current_revision, head_revision
from relais_api.http.openapi import problem_responses
from relais_api.http.problems import DatabaseUnavailable, NotReady
from relais_api.parts import PartsOf

router: Final = APIRouter(tags=["Health"])

_MIGRATION_RETRY_S = 5


class Alive(BaseModel):
    """The process is up."""

    status: Literal["ok"] = "ok"


class DegradedPart(BaseModel):
    """A part without which messages are accepted all the same, only later or not yet answered."""

    part: str
    detail: str


class Ready(BaseModel):
    """The service can accept messages."""

    status: Literal["ready"] = "ready"
    schema_revision: str
    degraded: list[DegradedPart]


@router.get("/healthz")
async def show_alive() -> Alive:
    """Say that the process is up."""
    return Alive()


@router.get("/readyz", responses=problem_responses(NotReady, DatabaseUnavailable))
async def show_ready(parts: PartsOf) -> Ready:
    """Say whether messages can be accepted; parts that may be away without harm are only listed."""
    revision, health = await parts.database.read(_look)
    if revision != head_revision() or health is None:
        raise NotReady(
            f"The schema is at {revision or 'nothing'}, this release needs {head_revision()}; run `relais migrate`.",
            retry_after_s=_MIGRATION_RETRY_S,
        )
    return Ready(schema_revision=revision, degraded=_degraded(health, broker_up=parts.publisher.up))


def _look(conn: Connection) -> tuple[str | None, Health | None]:
    revision = current_revision(conn)
    return revision, read_health(conn) if revision == head_revision() else None


def _degraded(health: Health, *, broker_up: bool | None) -> list[DegradedPart]:
    found = {}
    if broker_up is False:
        found["rabbitmq"] = (
            "The broker did not take the last token; messages stay pending until the sweeper wakes workers."
        )
    if sweeper_is_late(health.sweeper_age_s):
        ran = "never ran" if health.sweeper_age_s is None else f"last ran {health.sweeper_age_s:.0f} s ago"
        found["sweeper"] = f"The sweeper {ran}; start one, since nothing is repaired without it."
    for queue, slots in sorted(health.slots.items()):
        if slots == 0:
            found[f"workers:{queue}"] = f"No worker serves the queue {queue}; start one."
    for part, waiting in sorted(health.waiting_for.items()):
        found[part] = _down(Part(part), waiting, health.workers)
    return [DegradedPart(part=part, detail=detail) for part, detail in found.items()]


def _down(part: Part, waiting: int, workers: int) -> str:
    words = PART_WORDS[part]
    return f"{waiting} of {workers} workers can't reach {words.name} and wait for it: {words.remedy}."
