"""The address of one job: its life, why it is where it is and, for administrators, its texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Path
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from starlette.routing import Match
from starlette.types import Scope

from relais.explain import Explanation, Facts, explain
from relais.lifecycle import WAITING, State
from relais.refs import ref_of
from relais.store.bulk import JobFilter
from relais.store.explain import read_facts
from relais.store.line import Lines
from relais.store.search import FoundJob, search_jobs
from relais.store.texts import Texts, read_texts
from relais.store.timeline import read_timeline
from relais.timeline import Event, attempts_of
from relais_api.admin.bulk_actions import Name
from relais_api.admin.job_bodies import AnswerFigures, AttemptBody, CauseBody, EventBody, JobLife, TextsBody
from relais_api.admin.job_filters import Ref
from relais_api.admin.keys import Reader, reaches
from relais_api.http import problems
from relais_api.http.openapi import problem_responses
from relais_api.parts import PartsOf


class _RefRoute(APIRoute):
    """Leaves the addresses of the bulk actions, which are no refs, to their own route, whatever the method."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See `starlette.routing.Route.matches`."""
        match, child = super().matches(scope)
        is_action = child.get("path_params", {}).get("ref") in get_args(Name)
        return (Match.NONE, {}) if is_action else (match, child)


router: Final = APIRouter(
    prefix="/api/jobs",
    route_class=_RefRoute,
    tags=["Administration"],
    responses=problem_responses(
        problems.Unauthorized,
        problems.Forbidden,
        problems.UnknownJob,
        problems.AmbiguousRef,
        problems.Invalid,
        problems.DatabaseUnavailable,
    ),
)


@dataclass(frozen=True, slots=True)
class _Life:
    """What the database has of one job, at one moment."""

    job: FoundJob
    facts: Facts
    events: Sequence[Event]
    texts: Texts


@router.get("/{ref}")
async def show_job(
    ref: Annotated[Ref, Path(description="A job's ref or id.")], parts: PartsOf, holder: Reader
) -> JobLife:
    """Show a job's life by its ref or id; with a key of scope admin, the texts too."""
    lines = await parts.lines.current()
    found = await parts.database.snapshot(_read, ref, lines)
    return _body(found, with_texts=reaches(holder, "admin"))


def _read(conn: Connection, ref: str, lines: Lines | None) -> _Life:
    jobs = search_jobs(conn, JobFilter(refs=(ref,)), before=None, limit=2)
    if len(jobs) > 1:
        raise problems.AmbiguousRef("Several jobs have this ref; send the whole id of the one that is meant.")
    facts = read_facts(conn, jobs[0].id, lines) if jobs else None
    texts = read_texts(conn, jobs[0].id) if jobs else None
    if facts is None or texts is None:
        raise problems.UnknownJob("No job has this ref or id; GET /api/jobs finds jobs.")
    return _Life(jobs[0], facts, read_timeline(conn, jobs[0].id), texts)


def _body(life: _Life, *, with_texts: bool) -> JobLife:
    job, facts = life.job, life.facts
    waits = facts.state in WAITING and facts.ahead is not None
    return JobLife(
        ref=ref_of(job.id),
        kind=job.kind,
        queue=job.queue,
        agent=job.agent,
        session=None if job.session_id is None else ref_of(job.session_id),
        document=life.texts.document,
        state=State(job.state),
        queue_position=(facts.ahead or 0) + 1 if waits else None,
        attempt=job.attempt,
        attempt_limit=job.attempt_limit,
        priority=job.priority,
        worker_id=job.worker_id,
        error_code=job.error_code,
        error=job.error,
        created_at=job.created_at,
        run_at=job.run_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        explanation=_cause(explain(facts.without_ids())),
        attempts=[AttemptBody.of(attempt) for attempt in attempts_of(life.events)],
        events=[EventBody.model_validate(event) for event in life.events],
        answer=AnswerFigures.of(life.texts),
        texts=_texts(job, life.texts) if with_texts and life.texts.question is not None else None,
    )


def _cause(found: Explanation) -> CauseBody:
    evidence = {name: round(value, 1) if isinstance(value, float) else value for name, value in found.evidence.items()}
    return CauseBody(cause=found.cause, summary=found.summary, next_step=found.next_step, evidence=evidence)


def _texts(job: FoundJob, texts: Texts) -> TextsBody:
    names = set(TextsBody.model_fields) - {"job_id", "session_id"}
    return TextsBody(job_id=job.id, session_id=job.session_id, **{name: getattr(texts, name) for name in names})
