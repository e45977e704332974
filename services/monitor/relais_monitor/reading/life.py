"""Reads one job's life for everybody: its attempts, why it is where it is, the figures of its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection

from relais.explain import Cause, explain
from relais.store.bulk import JobFilter
from relais.store.clock import read_clock
from relais.store.explain import read_facts
from relais.store.line import Lines, read_lines
from relais.store.monitor_job import find_job_id, read_answer_figures
from relais.store.monitor_jobs import ListedJob, search_listed
from relais.store.timeline import read_timeline
from relais.timeline import Attempt, Event, attempts_of
from relais_monitor.reading.evidence import PublicFigures, public_figures


@dataclass(frozen=True, slots=True)
class ShownAttempt:
    """An attempt as the page tells it; `took_s` up to now while it runs."""

    number: int
    worker: int | None
    worker_name: str | None
    began: datetime | None
    ended: datetime | None
    waited_s: float | None
    took_s: float | None
    outcome: str | None
    error_code: str | None
    cause: str | None
    came_late: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job is where it is, in words that hold no text of its message."""

    cause: Cause
    summary: str
    next_step: str
    evidence: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Life:
    """A job from its acceptance to now; `reason` is null for one whose facts are gone."""

    at: datetime
    job: ListedJob
    attempts: list[ShownAttempt]
    events: list[Event]
    reason: Reason | None
    answer: PublicFigures | None


def read_life(conn: Connection, ref: str) -> Life | None:
    """Read the job of a ref; None when there is no such job."""
    job_id = find_job_id(conn, ref)
    lines = read_lines(conn)
    found = [] if job_id is None else search_listed(conn, JobFilter(ids=(job_id,)), lines, before=None, limit=1)
    if job_id is None or not found:
        return None
    now = datetime.fromtimestamp(read_clock(conn), UTC)
    events = read_timeline(conn, job_id)
    answer = read_answer_figures(conn, job_id)
    return Life(
        at=now,
        job=found[0],
        attempts=[_shown(attempt, now) for attempt in attempts_of(events)],
        events=events,
        reason=_reason(conn, job_id, lines),
        answer=None if answer is None else public_figures(answer),
    )


def _shown(attempt: Attempt, now: datetime) -> ShownAttempt:
    return ShownAttempt(
        number=attempt.number,
        worker=attempt.worker,
        worker_name=attempt.worker_name,
        began=attempt.began,
        ended=attempt.ended,
        waited_s=attempt.waited_s,
        took_s=attempt.duration_s(now),
        outcome=attempt.outcome,
        error_code=attempt.error_code,
        cause=attempt.cause,
        came_late=attempt.came_late,
    )


def _reason(conn: Connection, job_id: UUID, lines: Lines) -> Reason | None:
    facts = read_facts(conn, job_id, lines)
    if facts is None:
        return None
    told = explain(facts.for_everybody())
    return Reason(told.cause, told.summary, told.next_step, told.evidence)
