"""The life of a worker: starts its parts in order, drains and stops them in the reverse."""

from collections.abc import Mapping
from dataclasses import dataclass

import dramatiq
import structlog
from sqlalchemy import Engine

from relais.broker import AnyBroker, Publisher
from relais_worker.actors import declare_actors
from relais_worker.engine.breakers import Breakers
from relais_worker.engine.execute import Executor, Pipeline
from relais_worker.engine.heartbeat import Heartbeat
from relais_worker.engine.runs import Abort, Runs

_HAND_BACK_S = 10.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What a worker is made of; `broker` has the middleware of `actors.actor_middleware`."""

    engine: Engine
    broker: AnyBroker
    publisher: Publisher
    runs: Runs
    breakers: Breakers
    heartbeat: Heartbeat
    pipelines: Mapping[str, Pipeline]
    queues: tuple[str, ...]
    threads: int
    lease_s: float
    stall_s: float
    drain_s: float


class WorkerService:
    """A running worker. `stop` drains: what can finish in time finishes, the rest goes back into the line."""

    def __init__(self, parts: WorkerParts) -> None:
        self._parts = parts
        executor = Executor(
            engine=parts.engine,
            publisher=parts.publisher,
            runs=parts.runs,
            breakers=parts.breakers,
            pipelines=parts.pipelines,
            worker_id=lambda: parts.heartbeat.worker_id,
            lease_s=parts.lease_s,
            stall_s=parts.stall_s,
        )
        declare_actors(parts.broker, executor.run_next)
        self._worker = dramatiq.Worker(
            parts.broker, queues=set(parts.queues), worker_threads=parts.threads, worker_timeout=250
        )
        # Dramatiq prefetches twice as many, which would keep tokens from workers that have a slot free.
        self._worker.queue_prefetch = parts.threads

    @property
    def alive(self) -> bool:
        """Whether the threads that claim, beat and watch the parts all run."""
        threads = [*self._worker.workers, *self._worker.consumers.values()]
        watchers = self._parts.heartbeat.alive and self._parts.breakers.alive
        return watchers and all(thread.is_alive() for thread in threads)

    def start(self) -> None:
        """Register, then take tokens.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away.
        """
        self._parts.publisher.start()
        self._parts.heartbeat.start()
        self._parts.broker.emit_after("process_boot")  # Dramatiq's command line would; TimeLimit starts with it
        self._worker.start()
        self._parts.breakers.start(hold=self._hold, go_on=self._worker.resume)
        log.info("worker.started", worker=self._parts.heartbeat.worker_id, slots=self._parts.threads)

    def stop(self) -> None:
        """Claim no more, let running jobs finish within the drain time, hand the others back, leave the register."""
        parts = self._parts
        parts.runs.begin_drain()
        parts.breakers.stop()
        log.info("worker.draining", running=len(parts.runs.current()), up_to_s=parts.drain_s)
        if not parts.runs.wait_until_idle(parts.drain_s):
            for run in parts.runs.current():
                run.abort(Abort.DRAINING)
            parts.runs.wait_until_idle(_HAND_BACK_S)
        parts.runs.end_drain()
        self._worker.stop(timeout=5_000)
        parts.publisher.stop()
        parts.heartbeat.stop()
        parts.broker.close()
        log.info("worker.stopped", worker=parts.heartbeat.worker_id)

    def _hold(self) -> None:
        """Take no more tokens; those that wait here go back to the broker with the consumers' connections.

        `dramatiq.Worker.pause` does the same, then waits for every job that runs.
        """
        for consumer in self._worker.consumers.values():
            consumer.pause()
        for worker in self._worker.workers:
            worker.pause()
