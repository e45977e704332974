"""Settles attempts whose threads don't come back, before their process ends."""

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais_worker.engine.outcomes import outcome_of_abort
from relais_worker.engine.runs import Runs
from relais_worker.engine.settling import settle

log = structlog.get_logger(__name__)


def give_up_attempts(engine: Engine, runs: Runs, *, worker_id: int) -> None:
    """Record each attempt that was told to stop as what it was told: handed back, or out of time.

    Each is taken out of `runs`, unless the database is away or its own thread is settling it. Should the thread come
    back after all, the fence drops what it brings.
    """
    for run in runs.current():
        reason = run.take_over()
        if reason is None:
            continue
        outcome = outcome_of_abort(run.job, reason)
        try:
            settle(engine, run.job, outcome, worker_id=worker_id, patience_s=0)
        except (DBAPIError, PoolTimeoutError):
            continue
        runs.forget(run)
        log.warning(
            "job.given_up", job=str(run.job.id), attempt=run.job.attempt, thread=run.thread.name, reason=str(reason)
        )
