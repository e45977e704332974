"""Fixtures: a worker service with a pipeline that the test controls, on real PostgreSQL and on either broker."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from relais.broker import AnyBroker, Publisher, make_broker
from relais.parts import Part
from relais.store.claim import ClaimedJob
from relais.store.engine import make_engine
from relais.store.settle import Answer
from relais_worker.actors import actor_middleware
from relais_worker.engine.breakers import Breakers, Probe
from relais_worker.engine.heartbeat import Heartbeat, Identity
from relais_worker.engine.runs import Runs
from relais_worker.progress import Progress
from relais_worker.service import WorkerParts, WorkerService
from relais_worker.settings import SweeperSettings
from relais_worker.sweeper.service import SweeperService
from support.engines import dispose
from support.seeding import answer

Work = Callable[[ClaimedJob, Progress], Answer | None]


class Gate:
    """A pipeline that holds each job until the test opens the gate, and notes which attempts passed."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.started: list[tuple[str, int]] = []

    def __call__(self, job: ClaimedJob, progress: Progress) -> Answer:
        self.started.append((str(job.id), job.attempt))
        progress.write("so far")
        while not self.open.wait(0.02):
            progress.beat()
            progress.check()
        return answer()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A pipeline under the test's control; opened at the end, so that no thread hangs."""
    gate = Gate()
    yield gate
    gate.open.set()


@dataclass(frozen=True)
class Pace:
    """The seconds by which a worker and its sweeper go."""

    lease_s: float = 20.0
    beat_s: float = 0.3
    stall_s: float = 30.0
    drain_s: float = 0.2
    grace_s: float = 20.0


@pytest.fixture
def start_worker(database_url: str) -> Iterator[Callable[..., WorkerService]]:
    """Start workers as a process of its own would have them, each with a sweeper; all are stopped at the end.

    `worker_database` is the worker's own way to `database`; `grace_s` the sweeper's after a start of the database.
    """
    with ExitStack() as stack:

        def start(
            pipeline: Work,
            *,
            broker_url: str = "memory://",
            database: str = database_url,
            worker_database: str | None = None,
            probes: Mapping[Part, Probe] | None = None,
            **pace: float,
        ) -> WorkerService:
            broker = make_broker(broker_url, actor_middleware())
            seconds = Pace(**pace)
            parts = _worker_parts(
                stack, worker_database or database, broker, pipeline, probes=probes or {}, pace=seconds
            )
            service = WorkerService(parts)
            sweeper = _sweeper(stack, database, _broker_beside(stack, broker, broker_url), broker_url, seconds)
            service.start()
            stack.callback(service.stop)
            sweeper.start()
            stack.callback(sweeper.stop)
            return service

        yield start


def _worker_parts(
    stack: ExitStack, database: str, broker: AnyBroker, pipeline: Work, *, probes: Mapping[Part, Probe], pace: Pace
) -> WorkerParts:
    engine = make_engine(database, pool_size=8)
    beat_engine = make_engine(database, pool_size=1, pool_timeout_s=2.0, answer_limit_s=2.0)
    stack.callback(dispose, engine)
    stack.callback(dispose, beat_engine)
    runs = Runs()
    breakers = Breakers(probes, every_s=0.2)
    identity = Identity("test", ("ai-messages", "documents"), 2, "test")
    return WorkerParts(
        engine=engine,
        broker=broker,
        publisher=Publisher(broker),
        runs=runs,
        breakers=breakers,
        heartbeat=Heartbeat(
            beat_engine,
            runs,
            identity,
            lease_s=pace.lease_s,
            beat_s=pace.beat_s,
            waiting_for=lambda: breakers.down,
        ),
        pipelines={"answer": pipeline, "ingest": pipeline},
        queues=("ai-messages", "documents"),
        threads=2,
        lease_s=pace.lease_s,
        stall_s=pace.stall_s,
        drain_s=pace.drain_s,
    )


def _broker_beside(stack: ExitStack, broker: AnyBroker, broker_url: str) -> AnyBroker:
    """The sweeper's, as in `relais up`: shared in memory; on RabbitMQ its own, for only one thread may send by each."""
    if broker_url == "memory://":
        return broker
    own = make_broker(broker_url)
    stack.callback(own.close)
    return own


def _sweeper(stack: ExitStack, database: str, broker: AnyBroker, broker_url: str, pace: Pace) -> SweeperService:
    engine = make_engine(database, pool_size=2)
    stack.callback(dispose, engine)
    settings = SweeperSettings(database_url=database, broker_url=broker_url, sweep_s=0.1)
    # Past the validation: tests make workers that never renew, and graces shorter than any lease.
    paced = settings.model_copy(update={"heartbeat_s": pace.beat_s, "lease_s": pace.grace_s})
    return SweeperService.build(engine, broker, paced)
