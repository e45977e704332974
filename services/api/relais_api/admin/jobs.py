"""The addresses of jobs: search, bulk retry, bulk cancel."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from relais.queues import QUEUE_NAMES
from relais.store.bulk import (
    JobFilter,
    cancel_matching,
    count_cancellable,
    count_retryable,
    find_cancellable,
    find_retryable,
    retry_matching,
)
from relais.store.search import search_jobs
from relais_api.admin.job_filters import BulkAction, PageOfJobs
from relais_api.admin.keys import NEEDS_OPS, NEEDS_READ
from relais_api.http import problems
from relais_api.http.cursors import decode_cursor, encode_cursor
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import UtcTime
from relais_api.parts import Parts, PartsOf

router: Final = APIRouter(
    prefix="/api/jobs",
    tags=["Administration"],
    responses=problem_responses(
        problems.Unauthorized, problems.Forbidden, problems.Invalid, problems.DatabaseUnavailable
    ),
)


class JobBody(BaseModel):
    """A job as operators see it; `subject_id` is its message or its document."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    queue: str
    agent: str
    subject_id: UUID
    session_id: UUID | None
    state: str
    attempt: int
    attempt_limit: int
    priority: int
    worker_id: int | None
    error_code: str | None
    error: str | None
    created_at: UtcTime
    run_at: UtcTime | None
    started_at: UtcTime | None
    finished_at: UtcTime | None


class JobPage(BaseModel):
    """Jobs that match, newest first."""

    jobs: list[JobBody]
    next_cursor: str | None


class BulkResult(BaseModel):
    """What a bulk action did, or with `dry_run` would do to the jobs `job_ids`, at most `limit` of those `matching`."""

    action: Literal["retry", "cancel"]
    dry_run: bool
    matching: int
    changed: int
    job_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class _Action:
    """How the store counts, finds and changes the jobs that an action applies to."""

    name: Literal["retry", "cancel"]
    count: Callable[[Connection, JobFilter], int]
    find: Callable[..., list[UUID]]
    change: Callable[..., list[UUID]]


_RETRY: Final = _Action("retry", count_retryable, find_retryable, retry_matching)
_CANCEL: Final = _Action("cancel", count_cancellable, find_cancellable, cancel_matching)


@router.get("", dependencies=[NEEDS_READ])
async def show_jobs(parts: PartsOf, which: Annotated[PageOfJobs, Query()]) -> JobPage:
    """Search jobs; the newest come first."""
    before = None if which.cursor is None else _read_cursor(which.cursor)
    found = await parts.database.read(search_jobs, which.criteria(), before=before, limit=which.limit + 1)
    shown = [JobBody.model_validate(job) for job in found[: which.limit]]
    more = len(found) > which.limit
    return JobPage(jobs=shown, next_cursor=_cursor(shown[-1]) if more else None)


@router.post("/retry", dependencies=[NEEDS_OPS])
async def retry_jobs(
    parts: PartsOf, query: Annotated[BulkAction, Query()], body: BulkAction | None = None
) -> BulkResult:
    """Put matching failed and cancelled jobs back into their lines; the filter comes in the query or as JSON."""
    wanted = _wanted(query, body)
    result = await _act(parts, _RETRY, wanted)
    _wake(parts, result)
    return result


@router.post("/cancel", dependencies=[NEEDS_OPS])
async def cancel_jobs(
    parts: PartsOf, query: Annotated[BulkAction, Query()], body: BulkAction | None = None
) -> BulkResult:
    """Cancel matching jobs that wait or run; the filter comes in the query or as JSON."""
    return await _act(parts, _CANCEL, _wanted(query, body))


def _wanted(query: BulkAction, body: BulkAction | None) -> BulkAction:
    given = query.model_dump(exclude_unset=True) | (body.model_dump(exclude_unset=True) if body else {})
    wanted = BulkAction.model_validate(given)
    if not wanted.dry_run and not wanted.narrows():
        message = (
            "needs at least one of state, kind, agent, error_code, older_than, id, so that it can't hit everything"
        )
        raise RequestValidationError([{"loc": ("query", "filter"), "type": "filter", "msg": message}])
    return wanted


async def _act(parts: Parts, action: _Action, wanted: BulkAction) -> BulkResult:
    matching = await parts.database.read(action.count, wanted.criteria())
    if wanted.dry_run:
        ids = await parts.database.read(action.find, wanted.criteria(), limit=wanted.limit)
    else:
        ids = await parts.database.write(action.change, wanted.criteria(), limit=wanted.limit)
    return BulkResult(
        action=action.name,
        dry_run=wanted.dry_run,
        matching=matching,
        changed=0 if wanted.dry_run else len(ids),
        job_ids=ids,
    )


def _wake(parts: Parts, result: BulkResult) -> None:
    if result.changed:
        for name in QUEUE_NAMES:  # one token each starts the work, the sweeper sends the rest
            parts.announcer.wake(name)


def _cursor(job: JobBody) -> str:
    return encode_cursor(job.created_at.isoformat(), str(job.id))


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    created_at, job_id = decode_cursor(cursor, str, str)
    try:
        return datetime.fromisoformat(created_at), UUID(job_id)
    except ValueError:
        message = "is not a cursor of this list; take `next_cursor` from the page before"
        raise RequestValidationError([{"loc": ("query", "cursor"), "type": "cursor", "msg": message}]) from None
