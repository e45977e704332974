"""Records the outcome of an attempt, however long the database takes to come back."""

import time
from collections.abc import Callable

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.lifecycle import COMPLETE, FAIL, HAND_BACK, RETRY_LATER, Transition
from relais.store.claim import ClaimedJob
from relais.store.settle import (
    Settled,
    record_superseded,
    settle_completed,
    settle_failed,
    settle_handed_back,
    settle_retry,
    was_recorded,
)
from relais_worker.engine.outcomes import (
    Completed,
    Dropped,
    Failed,
    HandedBack,
    Outcome,
    RetryLater,
    outcome_of_unstorable,
)

_PAUSE_S = 0.5

log = structlog.get_logger(__name__)


def settle(engine: Engine, job: ClaimedJob, outcome: Outcome, *, worker_id: int, patience_s: float) -> Settled | None:
    """Record the outcome under the fence; None when it didn't hold, and nothing was recorded.

    A finished generation is costly, so a database that is away is waited for, up to `patience_s` seconds. A commit
    whose end was lost on the wire is looked up in the ledger before it is tried again. An answer that PostgreSQL can't
    store is a failure of the attempt.

    Raises:
        sqlalchemy.exc.DBAPIError: the database stayed away; the job's lease will lapse and another attempt follows.
    """
    if isinstance(outcome, Dropped):
        return None
    give_up_at = time.monotonic() + patience_s
    unsure = False
    while True:
        try:
            with engine.begin() as conn:
                return _record(conn, job, outcome, worker_id=worker_id, unsure=unsure)
        except (DataError, UnicodeEncodeError):
            if not isinstance(outcome, Completed):
                raise
            log.exception("job.unstorable", job=str(job.id), attempt=job.attempt)
            outcome = outcome_of_unstorable(job)
        except (DBAPIError, PoolTimeoutError) as error:
            if time.monotonic() >= give_up_at:
                raise
            unsure = True
            log.warning("job.settle_delayed", job=str(job.id), attempt=job.attempt, error=type(error).__name__)
            time.sleep(_PAUSE_S)


def _record(conn: Connection, job: ClaimedJob, outcome: Outcome, *, worker_id: int, unsure: bool) -> Settled | None:
    arrow, write = _writer(job, outcome)
    if unsure and was_recorded(conn, job.id, job.attempt, arrow.name):
        return Settled(successor_waits=True)
    settled = write(conn)
    if settled is None:
        record_superseded(conn, job.id, job.attempt, worker_id)
    return settled


def _writer(job: ClaimedJob, outcome: Outcome) -> tuple[Transition, Callable[[Connection], Settled | None]]:
    match outcome:
        case Completed(answer):
            return COMPLETE, lambda conn: settle_completed(conn, job.id, job.attempt, answer)
        case Failed(error_code, error):
            return FAIL, lambda conn: settle_failed(conn, job.id, job.attempt, error_code=error_code, error=error)
        case RetryLater(error_code, error, delay_s):
            return RETRY_LATER, lambda conn: settle_retry(
                conn, job.id, job.attempt, error_code=error_code, error=error, delay_s=delay_s
            )
        case HandedBack(reason):
            return HAND_BACK, lambda conn: settle_handed_back(conn, job.id, job.attempt, error_code=reason)
        case Dropped():
            raise AssertionError("a dropped outcome has nothing to record")
