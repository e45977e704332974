"""What operators do to many jobs at once: what would change, and the change with its record, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from relais.lifecycle import CANCEL as CANCELS
from relais.lifecycle import RETRY as RETRIES
from relais.lifecycle import TERMINAL, State
from relais.lifecycle import UNLOCK as UNLOCKS
from relais.refs import ref_of
from relais.store.audit import record_action
from relais.store.bulk import count_cancellable, count_retryable, find_cancellable, find_retryable
from relais.store.jobs import cancel_jobs, retry_jobs
from relais.store.retention import clean_matching, count_cleanable, find_cleanable
from relais.store.unlocking import HeldJob, Refusal, find_held, unlock_jobs
from relais_api.admin.agent_filter import check_agent
from relais_api.admin.job_filters import MOST_CHANGED, BulkAction, Cleaning, Unlocking
from relais_api.admin.skipping import Reason, Skipped, explain_left_out

W = TypeVar("W", bound=BulkAction)
Name = Literal["retry", "cancel", "unlock", "clean"]


@dataclass(frozen=True, slots=True)
class Effect:
    """The jobs that an action changes, or would change, at most `limit` of those `matching`.

    `skipped` match and stay as they are; `left_out` were named and don't match.
    """

    matching: int
    job_ids: Sequence[UUID]
    skipped: Sequence[Skipped] = ()
    left_out: Sequence[Skipped] = ()

    @property
    def left(self) -> int:
        """How many more match, for another time."""
        return max(self.matching - len(self.job_ids) - len(self.skipped), 0)


@dataclass(frozen=True, slots=True)
class Action(Generic[W]):
    """An action's name, the states it takes, which jobs it finds, and how it is done to those."""

    name: Name
    takes: frozenset[State]
    find: Callable[[Connection, W], Effect]
    change: Callable[[Connection, W, Sequence[UUID]], Sequence[UUID]]
    otherwise: Reason = "no_match"  # why a job in a state that it takes is left out

    def preview(self, conn: Connection, wanted: W) -> Effect:
        """Say what it would do; of the jobs that were named, also why it doesn't take one.

        Raises:
            UnknownAgent: the filter names one that never was.
        """
        check_agent(conn, wanted)
        named = wanted.named()
        if not named:
            return self.find(conn, wanted)
        found = self.find(conn, wanted.model_copy(update={"limit": MOST_CHANGED}))
        left_out = explain_left_out(
            conn,
            named,
            taken={*map(ref_of, found.job_ids), *(one.ref for one in found.skipped)},
            takes=self.takes if wanted.state is None else self.takes & {wanted.state} or self.takes,
            otherwise=self.otherwise,
        )
        return replace(found, job_ids=found.job_ids[: wanted.limit], left_out=left_out)

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
        return replace(found, job_ids=changed)


def _find_retry(conn: Connection, wanted: BulkAction) -> Effect:
    which = wanted.criteria()
    return Effect(count_retryable(conn, which), find_retryable(conn, which, limit=wanted.limit))


def _find_cancel(conn: Connection, wanted: BulkAction) -> Effect:
    which = wanted.criteria()
    return Effect(count_cancellable(conn, which), find_cancellable(conn, which, limit=wanted.limit))


def _find_unlock(conn: Connection, wanted: Unlocking) -> Effect:
    held = find_held(conn, wanted.criteria())
    refused = {} if wanted.force else {job.id: job.refusal() for job in held}
    loose = [job.id for job in held if refused.get(job.id) is None]
    skipped = [Skipped(ref_of(job.id), reason, _detail(job, reason)) for job in held if (reason := refused.get(job.id))]
    return Effect(len(held), loose[: wanted.limit], skipped)


def _find_clean(conn: Connection, wanted: Cleaning) -> Effect:
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


RETRY: Final[Action[BulkAction]] = Action(
    "retry", RETRIES.sources, _find_retry, lambda conn, _, ids: retry_jobs(conn, ids)
)
CANCEL: Final[Action[BulkAction]] = Action(
    "cancel", CANCELS.sources, _find_cancel, lambda conn, _, ids: cancel_jobs(conn, ids)
)
UNLOCK: Final[Action[Unlocking]] = Action(
    "unlock", UNLOCKS.sources, _find_unlock, lambda conn, wanted, ids: unlock_jobs(conn, ids, force=wanted.force)
)
CLEAN: Final[Action[Cleaning]] = Action("clean", TERMINAL, _find_clean, _clean, otherwise="held_back")
