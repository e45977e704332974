"""The addresses that change many jobs at once: retry, cancel, unlock, clean."""

from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from relais.queues import QUEUE_NAMES
from relais.refs import ref_of
from relais_api.admin.bulk_actions import CANCEL, CLEAN, RETRY, UNLOCK, Action, Effect, Name
from relais_api.admin.job_filters import BulkAction, Cleaning, Unlocking
from relais_api.admin.keys import Operator
from relais_api.admin.skipping import Reason, Skipped
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.parts import Parts, PartsOf

router: Final = APIRouter(
    prefix="/api/jobs",
    tags=["Administration"],
    responses=problem_responses(
        problems.Unauthorized, problems.Forbidden, problems.UnknownAgent, problems.Invalid, problems.DatabaseUnavailable
    ),
)

W = TypeVar("W", bound=BulkAction)
_MOST_SKIPPED: Final = 100


class SkippedJob(BaseModel):
    """A job that matches, or was named, and stays as it is."""

    model_config = ConfigDict(from_attributes=True)

    ref: str
    reason: Reason
    detail: str


class BulkResult(BaseModel):
    """What a bulk action did, or with `dry_run` would do to the jobs `job_ids`, at most `limit` of those `matching`.

    `refs` are theirs, in the same order. `skipped` are the first hundred jobs that match, or were named by id or ref,
    and stay as they are.
    """

    action: Name
    dry_run: bool
    matching: int
    changed: int
    job_ids: list[UUID]
    refs: list[str]
    skipped: list[SkippedJob]
    skipped_count: int = Field(description="How many are skipped in all.")
    left: int = Field(description="How many more match, beyond `limit`: those that the next call would change.")


@router.post("/retry")
async def retry_jobs(
    parts: PartsOf, operator: Operator, query: Annotated[BulkAction, Query()], body: BulkAction | None = None
) -> BulkResult:
    """Put matching failed and cancelled jobs back into their lines; the filter comes in the query or as JSON."""
    return await _act(parts, RETRY, _wanted(query, body), operator.name)


@router.post("/cancel")
async def cancel_jobs(
    parts: PartsOf, operator: Operator, query: Annotated[BulkAction, Query()], body: BulkAction | None = None
) -> BulkResult:
    """Cancel matching jobs that wait or run; the filter comes in the query or as JSON."""
    return await _act(parts, CANCEL, _wanted(query, body), operator.name)


@router.post("/unlock")
async def unlock_jobs(
    parts: PartsOf, operator: Operator, query: Annotated[Unlocking, Query()], body: Unlocking | None = None
) -> BulkResult:
    """Take matching jobs back from workers that are gone, silent or past the deadline; they keep their places.

    `skipped` are those whose worker is well, or that have no attempt left; `force` takes them too.
    """
    return await _act(parts, UNLOCK, _wanted(query, body), operator.name)


@router.post("/clean")
async def clean_jobs(
    parts: PartsOf, operator: Operator, query: Annotated[Cleaning, Query()], body: Cleaning | None = None
) -> BulkResult:
    """Move matching jobs that ended out of the working table; nothing that a client can see changes by it."""
    return await _act(parts, CLEAN, _wanted(query, body), operator.name)


def _wanted(query: W, body: W | None) -> W:
    # Both are valid already: what was read once, such as an age in hours, may not be what it was read from.
    wanted = query if body is None else query.model_copy(update=body.model_dump(exclude_unset=True))
    if not wanted.dry_run and not wanted.narrows():
        names = [name for name in type(query).model_fields if name not in {"dry_run", "limit", "force"}]
        message = f"needs at least one of {', '.join(names)}, so that it can't hit everything"
        raise RequestValidationError([{"loc": ("query", "filter"), "type": "filter", "msg": message}])
    return wanted


async def _act(parts: Parts, action: Action[W], wanted: W, actor: str) -> BulkResult:
    if wanted.dry_run:
        effect = await parts.database.read(action.preview, wanted)
    else:
        effect = await parts.database.write(action.execute, wanted, actor)
        _wake(parts, effect)
    return _result(action.name, wanted, effect)


def _result(name: Name, wanted: BulkAction, effect: Effect) -> BulkResult:
    skipped: list[Skipped] = [*effect.skipped, *effect.left_out]
    return BulkResult(
        action=name,
        dry_run=wanted.dry_run,
        matching=effect.matching,
        changed=0 if wanted.dry_run else len(effect.job_ids),
        job_ids=list(effect.job_ids),
        refs=[ref_of(job_id) for job_id in effect.job_ids],
        skipped=[SkippedJob.model_validate(one) for one in skipped[:_MOST_SKIPPED]],
        skipped_count=len(skipped),
        left=effect.left,
    )


def _wake(parts: Parts, effect: Effect) -> None:
    if effect.job_ids:
        for name in QUEUE_NAMES:  # one token each starts the work, the sweeper sends the rest
            parts.announcer.wake(name)
