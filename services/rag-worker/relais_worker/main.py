"""The composition roots of the worker and the sweeper: the only readers of their settings."""

import os
import signal
import socket
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from relais.broker import AnyBroker, Publisher, make_broker
from relais.errors import PermanentError
from relais.settings import load_settings
from relais.store.engine import make_engine
from relais.telemetry import configure_logging
from relais_worker.actors import actor_middleware
from relais_worker.adapters.ollama import Ollama
from relais_worker.adapters.qdrant import open_index
from relais_worker.answering.pipeline import AnswerPipeline
from relais_worker.engine.heartbeat import Heartbeat, Identity
from relais_worker.engine.runs import Runs
from relais_worker.ingesting.pipeline import IngestPipeline
from relais_worker.service import WorkerParts, WorkerService
from relais_worker.settings import SweeperSettings, WorkerSettings
from relais_worker.sweeper.service import SweeperService

_SPARE_CONNECTIONS = 2  # the heartbeat holds one for good; a draft is flushed while a pipeline reads

log = structlog.get_logger(__name__)


class Service(Protocol):
    """What `run_until_told` runs."""

    @property
    def alive(self) -> bool:
        """Whether every thread that it needs still runs."""

    def start(self) -> None:
        """Start."""

    def stop(self) -> None:
        """Stop in good order."""


def build_worker(settings: WorkerSettings, broker: AnyBroker | None = None) -> WorkerService:
    """Put a worker together; nothing starts yet.

    Args:
        settings: the worker's.
        broker: shared with the other services of the process in the embedded mode; else made from the settings.
    """
    broker = broker or make_broker(settings.broker_url.get_secret_value(), actor_middleware())
    engine = make_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.worker_threads + _SPARE_CONNECTIONS,
        pool_timeout_s=settings.database_pool_timeout_s,
        application_name="relais-worker",
    )
    runs = Runs()
    ollama = Ollama(settings.ollama_url, idle_timeout_s=settings.ollama_idle_timeout_s)
    key = settings.qdrant_api_key
    index = open_index(
        settings.qdrant_url,
        timeout_s=settings.qdrant_timeout_s,
        api_key=None if key is None else key.get_secret_value(),
    )
    identity = Identity(
        name=f"{socket.gethostname()}:{os.getpid()}",
        queues=settings.worker_queues,
        slots=settings.worker_threads,
        version=version("relais-worker"),
    )
    heartbeat = Heartbeat(
        engine,
        runs,
        identity,
        lease_s=settings.lease_s,
        beat_s=settings.heartbeat_s,
        on_beat=lambda: _touch(settings.worker_health_file),
    )
    return WorkerService(
        WorkerParts(
            engine=engine,
            broker=broker,
            publisher=Publisher(broker),
            runs=runs,
            heartbeat=heartbeat,
            pipelines={
                "answer": AnswerPipeline(engine, ollama, index),
                "ingest": IngestPipeline(engine, ollama, index),
            },
            queues=settings.worker_queues,
            threads=settings.worker_threads,
            lease_s=settings.lease_s,
            stall_s=settings.stall_timeout_s,
            drain_s=settings.drain_timeout_s,
        )
    )


def build_sweeper(settings: SweeperSettings, broker: AnyBroker | None = None) -> SweeperService:
    """Put a sweeper together; nothing starts yet. `broker` as in `build_worker`."""
    broker = broker or make_broker(settings.broker_url.get_secret_value())
    engine = make_engine(
        settings.database_url.get_secret_value(),
        pool_size=2,  # one per loop
        pool_timeout_s=settings.database_pool_timeout_s,
        application_name="relais-sweeper",
    )
    return SweeperService.build(engine, broker, settings)


def run_worker() -> int:
    """Run a worker until SIGTERM or SIGINT; return the exit status."""
    settings = load_settings(WorkerSettings)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    try:
        service = build_worker(settings)
    except PermanentError as error:
        log.critical("start.failed", reason=error.reason, remedy=error.message)
        return 1
    return run_until_told(service)


def run_sweeper() -> int:
    """Run a sweeper until SIGTERM or SIGINT; return the exit status."""
    settings = load_settings(SweeperSettings)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    return run_until_told(build_sweeper(settings))


def run_until_told(service: Service) -> int:
    """Start a service, wait for a signal or for the death of one of its threads, stop it.

    A thread that is dead makes a worker that looks alive and does nothing: the process ends with status 1 instead, and
    its container is started anew.
    """
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    try:
        service.start()
    except DBAPIError as error:
        log.critical(
            "start.failed", error=str(error.orig), remedy="check RELAIS_DATABASE_URL; run `relais migrate` once"
        )
        return 1
    while not told.wait(1.0):
        if not service.alive:
            log.critical(
                "thread.died", remedy="the process ends, so that it is started anew; please report the log above"
            )
            service.stop()
            return 1
    service.stop()
    return 0


def _touch(path: Path | None) -> None:
    if path is not None:
        path.touch()
