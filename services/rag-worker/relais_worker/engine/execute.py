"""Runs one job from claim to settlement: what a token sets off."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.broker import Publisher
from relais.errors import PartAwayError, TransientError
from relais.store.claim import ClaimedJob, SerialConflict, claim_next
from relais.store.drafts import write_draft
from relais.store.settle import Answer
from relais_worker.engine.breakers import Breakers
from relais_worker.engine.outcomes import Completed, HandedBack, Outcome, outcome_of_abort, outcome_of_error
from relais_worker.engine.runs import KEEPS_A_RESULT, TIME_MESSAGES, Run, Runs
from relais_worker.engine.settling import settle
from relais_worker.progress import Progress

# While a part is down the threads are paused; this bounds what a thread eats of the tokens until that took effect.
_SIT_ON_A_TOKEN_S = 1.0

log = structlog.get_logger(__name__)

Pipeline = Callable[[ClaimedJob, Progress], Answer | None]


@dataclass(frozen=True, slots=True)
class Executor:
    """What a job needs to run. `worker_id` is asked for anew, since a worker may have to register again."""

    engine: Engine
    publisher: Publisher
    runs: Runs
    breakers: Breakers
    pipelines: Mapping[str, Pipeline]
    worker_id: Callable[[], int]
    lease_s: float
    stall_s: float

    def run_next(self, queue: str) -> None:
        """Claim the next job of a queue, run its pipeline, record what came of it. No job is a normal, silent outcome.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away; Dramatiq's `Retries` brings the token back later.
        """
        if self.runs.draining:
            self.runs.wait_until_drained()
            return
        if not self.breakers.wait_until_closed(_SIT_ON_A_TOKEN_S):
            return
        with ExitStack() as tracked:
            with self.runs.claiming() as may_start:
                job = self._claim(queue) if may_start else None
                if job is None:
                    return
                run = Run(job, stall_s=self.stall_s, flush=lambda text: self._flush(job, text))
                tracked.enter_context(self.runs.tracking(run))
            self._run(job, run)

    def _run(self, job: ClaimedJob, run: Run) -> None:
        with structlog.contextvars.bound_contextvars(job=str(job.id), attempt=job.attempt):
            log.info("job.claimed", kind=job.kind)
            outcome = self._work(job, run)
            self._settle(job, run, outcome)

    def _claim(self, queue: str) -> ClaimedJob | None:
        while True:
            with suppress(SerialConflict), self.engine.begin() as conn:
                return claim_next(conn, queue=queue, worker_id=self.worker_id(), lease_s=self.lease_s)

    def _work(self, job: ClaimedJob, run: Run) -> Outcome:
        try:
            return Completed(self.pipelines[job.kind](job, run))
        except Exception as error:
            outcome = outcome_of_error(job, error, part_down=self._part_down(error))
            if getattr(outcome, "error_code", None) == "internal_error":
                log.exception("job.crashed")
            return outcome

    def _part_down(self, error: Exception) -> bool:
        """Ask the part that the failure may be due to; its breaker opens when it doesn't answer."""
        match error:
            case PartAwayError():
                return self.breakers.is_down(error.part)
            case TransientError() if error.reason in TIME_MESSAGES:
                self.breakers.ask_all()
        return False

    def _settle(self, job: ClaimedJob, run: Run, outcome: Outcome) -> None:
        patience_s = 3 * self.lease_s
        aborted = run.begin_settling(patience_s)
        # An answer that is there in spite of a drain or a deadline is kept: making it again costs far more.
        if aborted is not None and not (isinstance(outcome, Completed) and aborted in KEEPS_A_RESULT):
            outcome = outcome_of_abort(job, aborted)
        settled = settle(self.engine, job, outcome, worker_id=self.worker_id(), patience_s=patience_s)
        log.info("job.settled", outcome=type(outcome).__name__, error_code=getattr(outcome, "error_code", None))
        # A worker that reaches the part may take what this one couldn't do.
        handed_on = isinstance(outcome, HandedBack) and not self.runs.draining
        if settled is not None and (settled.successor_waits or handed_on):
            self.publisher.request(job.queue)

    def _flush(self, job: ClaimedJob, text: str) -> None:
        # A draft is for the eyes only: without it the watcher sees the answer a little later.
        with suppress(DBAPIError, PoolTimeoutError), self.engine.begin() as conn:
            write_draft(conn, job.id, job.attempt, text)
