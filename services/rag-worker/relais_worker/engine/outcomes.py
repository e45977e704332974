"""How an attempt can end, as values."""

import random
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.errors import PartAwayError, PermanentError, RunAborted, TransientError
from relais.store.claim import ClaimedJob
from relais.store.outage import is_outage
from relais.store.settle import Answer
from relais_worker.engine.runs import TIME_MESSAGES, Abort

_LONGEST_BACKOFF_S = 3600.0
_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Completed:
    """The work is done; `answer` when the job makes one."""

    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Failed:
    """No further attempt will be made."""

    error_code: str
    error: str


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Another attempt follows after `delay_s` seconds."""

    error_code: str
    error: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The worker stops, or can't reach a part (`error_code`); the job goes back, its attempt uncounted."""

    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """Somebody else decided over the job meanwhile: nothing to record."""

    reason: str


Outcome = Completed | Failed | RetryLater | HandedBack | Dropped


def outcome_of_error(job: ClaimedJob, error: Exception, *, part_down: bool = False) -> Outcome:
    """Classify what a pipeline raised: the one place where retryability is acted on.

    An attempt whose request may have reached a part that is down now is spent: the request may be what brought it
    down, and a message that does so each time must come to an end.
    """
    match error:
        case RunAborted():
            return outcome_of_abort(job, Abort(error.reason))
        case PartAwayError(reached=False) if part_down:
            return HandedBack(error.reason)
        case PermanentError():
            return Failed(error.reason, error.message)
        case TransientError():
            return _again(job, error.reason, error.message)
        case DBAPIError() | PoolTimeoutError():
            return _outcome_of_database_error(job, error)
        case _:
            return _again(job, "internal_error", f"An unexpected {type(error).__name__}; the worker's log has details.")


def _outcome_of_database_error(job: ClaimedJob, error: DBAPIError | PoolTimeoutError) -> Outcome:
    if isinstance(error, DBAPIError) and is_outage(error):
        return HandedBack("database_unavailable")  # recorded once the database is back
    return _again(job, "database_unavailable", "The database could not be reached during the attempt.")


def outcome_of_unstorable(job: ClaimedJob) -> Outcome:
    """Classify an answer that the database refuses, such as one with a character that it can't hold."""
    return _again(job, "internal_error", "The answer can't be stored; the worker's log has details.")


def outcome_of_abort(job: ClaimedJob, reason: Abort) -> Outcome:
    """Classify an attempt that was told to stop."""
    match reason:
        case Abort.DRAINING:
            return HandedBack()
        case Abort.CANCELLED | Abort.SUPERSEDED:
            return Dropped(str(reason))
        case Abort.DEADLINE | Abort.STALLED:
            return _again(job, str(reason), TIME_MESSAGES[reason])


def _again(job: ClaimedJob, error_code: str, error: str) -> Outcome:
    if job.last_attempt:
        return Failed(error_code, error)
    return RetryLater(error_code, error, backoff_s(job))


def backoff_s(job: ClaimedJob) -> float:
    """Seconds until the next attempt: doubling from the agent's setting, with jitter, so that failures spread out.

    Attempts are counted from the last time a person put the job back.
    """
    used = max(1, job.attempt - (job.attempt_limit - job.max_attempts))
    delay = min(job.retry_backoff_s * 2.0 ** (used - 1), _LONGEST_BACKOFF_S)
    return delay * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 -- spreading load, not a secret
