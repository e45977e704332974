"""The address where operators search jobs."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from relais.store.search import FoundJob, search_jobs
from relais_api.admin.agent_filter import check_agent
from relais_api.admin.job_filters import PageOfJobs
from relais_api.admin.keys import NEEDS_READ
from relais_api.http import problems
from relais_api.http.cursors import decode_cursor, encode_cursor
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import UtcTime
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/jobs",
    tags=["Administration"],
    responses=problem_responses(
        problems.Unauthorized, problems.Forbidden, problems.UnknownAgent, problems.Invalid, problems.DatabaseUnavailable
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


@router.get("", dependencies=[NEEDS_READ])
async def show_jobs(parts: PartsOf, which: Annotated[PageOfJobs, Query()]) -> JobPage:
    """Search jobs; the newest come first."""
    before = None if which.cursor is None else _read_cursor(which.cursor)
    found = await parts.database.read(_search, which, before)
    shown = [JobBody.model_validate(job) for job in found[: which.limit]]
    more = len(found) > which.limit
    return JobPage(jobs=shown, next_cursor=_cursor(shown[-1]) if more else None)


def _search(conn: Connection, which: PageOfJobs, before: tuple[datetime, UUID] | None) -> list[FoundJob]:
    check_agent(conn, which)
    return search_jobs(conn, which.criteria(), before=before, limit=which.limit + 1)


def _cursor(job: JobBody) -> str:
    return encode_cursor(job.created_at.isoformat(), str(job.id))


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    created_at, job_id = decode_cursor(cursor, str, str)
    try:
        return datetime.fromisoformat(created_at), UUID(job_id)
    except ValueError:
        message = "is not a cursor of this list; take `next_cursor` from the page before"
        raise RequestValidationError([{"loc": ("query", "cursor"), "type": "cursor", "msg": message}]) from None
