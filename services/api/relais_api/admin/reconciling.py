"""Brings a queue's rows and the broker's tokens together."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from relais.store.audit import record_action
from relais.store.jobs import mark_announced
from relais.store.reconcile import Reconciliation, read_reconciliation
from relais_api.admin.keys import Operator
from relais_api.admin.queues import check_queue
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/queues/{name}",
    tags=["Administration"],
    responses=problem_responses(
        problems.Unauthorized,
        problems.Forbidden,
        problems.UnknownQueue,
        problems.Invalid,
        problems.DatabaseUnavailable,
    ),
)

_BROKER_PATIENCE_S: Final = 3.0

DryRun = Annotated[bool, Query(description="Only say what would be done.")]
Limit = Annotated[int, Query(ge=1, le=10_000, description="Most jobs to announce, and most tokens to publish.")]


class ReconciliationBody(BaseModel):
    """A queue's rows, leases and tokens; what is missing between them, and what was done about it."""

    queue: str
    dry_run: bool
    paused: bool
    waiting: int
    pending: int
    eligible: int = Field(description="Those that could start at once, if slots were free for all.")
    processing: int
    leases: int
    broker_up: bool | None = Field(description="As the sweeper saw it lately; null is unknown.")
    tokens_ready: int | None = Field(description="In the broker, as the sweeper saw lately; null is unknown.")
    to_announce: int
    to_publish: int
    announced: int
    published: int
    confirmed: bool | None = Field(description="Whether the broker took the tokens; null: none were sent.")


@router.post("/reconcile")
async def reconcile(
    name: str, parts: PartsOf, operator: Operator, *, dry_run: DryRun = True, limit: Limit = 1_000
) -> ReconciliationBody:
    """Announce what is still `pending`, and publish the tokens that are missing."""
    check_queue(name)
    found = await parts.database.snapshot(read_reconciliation, name, limit=limit)
    # One that says nothing but that the broker is there, where enough others are.
    tokens = max(found.missing_tokens, 1) if found.unannounced else found.missing_tokens
    confirmed, announced = None, 0
    if not dry_run and tokens:
        confirmed = await parts.announcer.top_up(name, tokens, patience_s=_BROKER_PATIENCE_S)
        announced = await parts.database.write(_announce, name, found, operator.name) if confirmed else 0
    return _body(name, found, dry_run=dry_run, tokens=tokens, announced=announced, confirmed=confirmed)


def _announce(conn: Connection, name: str, found: Reconciliation, actor: str) -> int:
    announced = mark_announced(conn, found.unannounced)
    record_action(
        conn,
        actor=actor,
        action="queue.reconcile",
        target={"queue": name},
        matching=len(found.unannounced),
        changed=len(announced),
        job_ids=announced,
    )
    return len(announced)


def _body(
    name: str, found: Reconciliation, *, dry_run: bool, tokens: int, announced: int, confirmed: bool | None
) -> ReconciliationBody:
    return ReconciliationBody(
        queue=name,
        dry_run=dry_run,
        paused=found.paused,
        waiting=found.waiting,
        pending=found.pending,
        eligible=found.eligible,
        processing=found.processing,
        leases=found.leases,
        broker_up=found.broker_up,
        tokens_ready=found.tokens_ready,
        to_announce=len(found.unannounced),
        to_publish=tokens,
        announced=announced,
        published=tokens if confirmed else 0,
        confirmed=confirmed,
    )
