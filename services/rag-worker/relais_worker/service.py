"""The life of a worker: starts its parts in order, drains and stops them in the reverse."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import dramatiq
import structlog
from sqlalchemy import Engine

from relais.broker import AnyBroker, Publisher
from relais_worker.actors import declare_actors
from relais_worker.engine.breakers import Breakers
from relais_worker.engine.execute import Executor, Pipeline
from relais_worker.engine.giving_up import give_up_attempts
from relais_worker.engine.heartbeat import Heartbeat
from relais_worker.engine.runs import Abort, Runs
from relais_worker.watchdog import Watchdog, Watched

# What a stop takes beyond the drain at the most, when everything hangs: 20 s. `relais up` and Compose wait that long.
_HAND_BACK_S = 8.0
_GIVE_UP_S = 4.0
_LEAVE_BROKER_S = 4.0
_LEAVE_REGISTER_S = 4.0

# Above what the broker's own time limits add up to in one publication, or in one turn of a consumer.
_LONGEST_BROKER_TURN_S = 120.0

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
    grace_s: float = 60.0


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
        self._watchdog = Watchdog(self._threads, parts.runs.current, grace_s=parts.grace_s)
        declare_actors(parts.broker, executor.run_next)
        self._worker = dramatiq.Worker(
            parts.broker, queues=set(parts.queues), worker_threads=parts.threads, worker_timeout=250
        )
        # Dramatiq prefetches twice as many, which would keep tokens from workers that have a slot free.
        self._worker.queue_prefetch = parts.threads

    @property
    def alive(self) -> bool:
        """Whether every thread runs and none hangs; else this process should end. The log says which."""
        return self._watchdog.sees_all_well()

    @property
    def left_nothing(self) -> bool:
        """After a stop: whether every job was finished or handed back."""
        return not self._parts.runs.current()

    @property
    def deaf_limit_s(self) -> float:
        """Seconds without a look at `alive` after which the process must be beyond help."""
        return 2 * self._parts.grace_s

    @property
    def stop_limit_s(self) -> float:
        """Seconds after which a stop that goes on must have hung."""
        limits = (_HAND_BACK_S, _GIVE_UP_S, _LEAVE_BROKER_S, _LEAVE_REGISTER_S)
        return self._parts.drain_s + sum(limits) + _GIVE_UP_S

    def start(self) -> None:
        """Register, then take tokens.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away; may be called again.
        """
        self._parts.heartbeat.start()
        self._parts.publisher.start()
        self._parts.broker.emit_after("process_boot")  # Dramatiq's command line would; TimeLimit starts with it
        self._worker.start()
        self._parts.breakers.start(hold=self._hold, go_on=self._worker.resume)
        log.info("worker.started", worker=self._parts.heartbeat.worker_id, slots=self._parts.threads)

    def stop(self) -> None:
        """Claim no more, let running jobs finish within the drain time, hand the others back, leave the register.

        A database or a broker that is away or hangs is given up in time. A process that must end for a defect doesn't
        wait for running jobs. `left_nothing` says how it went.
        """
        parts = self._parts
        parts.runs.begin_drain()
        parts.breakers.stop()
        drain_s = 0.0 if self._watchdog.found_defect else parts.drain_s
        log.info("worker.draining", running=len(parts.runs.current()), up_to_s=drain_s)
        if not parts.runs.wait_until_idle(drain_s):
            self._hand_back()
        parts.runs.end_drain()
        _do_within(_LEAVE_BROKER_S, "leave-broker", self._leave_broker)
        _do_within(_LEAVE_REGISTER_S, "leave-register", parts.heartbeat.stop)
        log.info("worker.stopped", worker=parts.heartbeat.worker_id)

    def _hand_back(self) -> None:
        parts = self._parts
        for run in parts.runs.current():
            run.abort(Abort.DRAINING)
        if parts.runs.wait_until_idle(_HAND_BACK_S):
            return
        give_up = partial(give_up_attempts, parts.engine, parts.runs, worker_id=parts.heartbeat.worker_id)
        _do_within(_GIVE_UP_S, "give-up", give_up)
        if left := parts.runs.current():
            remedy = "the sweeper gives them to another worker; each has used up one attempt"
            log.error("worker.left_jobs", jobs=[str(run.job.id) for run in left], remedy=remedy)

    def _leave_broker(self) -> None:
        self._worker.stop(timeout=1_000)
        self._parts.publisher.stop(timeout_s=1.0)
        self._parts.broker.close()

    def _threads(self) -> Iterator[Watched]:
        parts = self._parts
        yield Watched("heartbeat", parts.heartbeat.alive, parts.heartbeat.busy_s, parts.grace_s)
        yield Watched("breakers", parts.breakers.alive, parts.breakers.busy_s, parts.grace_s)
        yield Watched("publisher", parts.publisher.alive, parts.publisher.busy_s, _LONGEST_BROKER_TURN_S)
        for worker in self._worker.workers:
            yield Watched(f"worker {worker.name}", worker.is_alive())
        for queue, consumer in self._worker.consumers.items():
            busy_s = parts.broker.consumer_busy_s(queue)
            yield Watched(f"consumer of {queue}", consumer.is_alive(), busy_s, _LONGEST_BROKER_TURN_S)

    def _hold(self) -> None:
        """Take no more tokens; those that wait here go back to the broker with the consumers' connections.

        `dramatiq.Worker.pause` does the same, then waits for every job that runs.
        """
        for consumer in self._worker.consumers.values():
            consumer.pause()
        for worker in self._worker.workers:
            worker.pause()


def _do_within(limit_s: float, name: str, act: Callable[[], None]) -> None:
    """Do something that may hang, in a thread that is left behind if it does."""
    thread = threading.Thread(target=act, name=name, daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        log.warning("stop.left_behind", what=name, after_s=limit_s, remedy="the process ends without it")
