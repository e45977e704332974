"""What operators do to many jobs at once: what would change, and the change with its record, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from relais.store.audit import record_action
from relais.store.bulk import count_cancellable, count_retryable, find_cancellable, find_retryable
from relais.store.jobs import cancel_jobs, retry_jobs
from relais.store.retention import clean_matching, count_cleanable, find_cleanable
from relais.store.unlocking import HeldJob, Refusal, find_held, unlock_jobs
from relais_api.admin.job_filters import BulkAction, Cleaning, Unlocking

W = TypeVar("W", bound=BulkAction)
Name = Literal["retry", "cancel", "unlock", "clean"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A job that matches and stays as it is, and why."""

    job_id: UUID
    reason: Refusal
    detail: str


@dataclass(frozen=True, slots=True)
class Effect:
    """The jobs that an action changes, or would change, at most `limit` of those `matching`."""

    matching: int
    job_ids: Sequence[UUID]
    skipped: Sequence[Skipped] = ()


@dataclass(frozen=True, slots=True)
class Action(Generic[W]):
    """An action's name, what it would do, and how it is done to the jobs that were found for it."""

    name: Name
    preview: Callable[[Connection, W], Effect]
    change: Callable[[Connection, W, Sequence[UUID]], Sequence[UUID]]

    def execute(self, conn: Connection, wanted: W, actor: str) -> Effect:
        """Do it, and record who did it to what."""
        found = self.preview(conn, wanted)
        changed = self.change(conn, wanted, found.job_ids)
        record_action(
            conn,
            actor=actor,
            action=self.name,
            target=wanted.target(),
            matching=found.matching,
            changed=len(changed),
            job_ids=changed,
        )
        return Effect(found.matching, changed, found.skipped)


def _preview_retry(conn: Connection, wanted: BulkAction) -> Effect:
    which = wanted.criteria()
    return Effect(count_retryable(conn, which), find_retryable(conn, which, limit=wanted.limit))


def _preview_cancel(conn: Connection, wanted: BulkAction) -> Effect:
    which = wanted.criteria()
    return Effect(count_cancellable(conn, which), find_cancellable(conn, which, limit=wanted.limit))


def _preview_unlock(conn: Connection, wanted: Unlocking) -> Effect:
    held = find_held(conn, wanted.criteria())
    refused = {} if wanted.force else {job.id: job.refusal() for job in held}
    loose = [job.id for job in held if refused.get(job.id) is None]
    skipped = [Skipped(job.id, reason, _detail(job, reason)) for job in held if (reason := refused.get(job.id))]
    return Effect(len(held), loose[: wanted.limit], skipped)


def _preview_clean(conn: Connection, wanted: Cleaning) -> Effect:
    which = wanted.criteria()
    return Effect(
        count_cleanable(conn, which, keep=wanted.keep),
        find_cleanable(conn, which, keep=wanted.keep, limit=wanted.limit),
    )


def _clean(conn: Connection, wanted: Cleaning, _found: Sequence[UUID]) -> Sequence[UUID]:
    return clean_matching(conn, wanted.criteria(), keep=wanted.keep, limit=wanted.limit)


def _detail(job: HeldJob, reason: Refusal) -> str:
    attempt = f"attempt {job.attempt} of {job.attempt_limit}"
    if reason == "attempts_spent":
        return f"It is {attempt}: without one left, the job would fail. Force gives it one more."
    return f"Worker {job.worker_id} is well and works on it, {attempt}. Force takes it all the same."


RETRY: Action[BulkAction] = Action("retry", _preview_retry, lambda conn, _, ids: retry_jobs(conn, ids))
CANCEL: Action[BulkAction] = Action("cancel", _preview_cancel, lambda conn, _, ids: cancel_jobs(conn, ids))
UNLOCK: Action[Unlocking] = Action(
    "unlock", _preview_unlock, lambda conn, wanted, ids: unlock_jobs(conn, ids, force=wanted.force)
)
CLEAN: Action[Cleaning] = Action("clean", _preview_clean, _clean)
