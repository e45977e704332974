"""The composition root of the worker, the only reader of its settings."""

import os
import socket
from importlib.metadata import version
from pathlib import Path

import structlog

from relais.broker import AnyBroker, Publisher, make_broker
from relais.errors import PermanentError
from relais.parts import Part
from relais.settings import load_settings
from relais.store.engine import make_engine
from relais.telemetry import configure_logging
from relais_worker.actors import actor_middleware
from relais_worker.adapters.ollama import Ollama
from relais_worker.adapters.qdrant import PassageIndex, open_index
from relais_worker.answering.pipeline import AnswerPipeline
from relais_worker.engine.breakers import Breakers
from relais_worker.engine.heartbeat import Heartbeat, Identity
from relais_worker.engine.runs import Runs
from relais_worker.ingesting.pipeline import IngestPipeline
from relais_worker.running import run_until_told
from relais_worker.service import WorkerParts, WorkerService
from relais_worker.settings import WorkerSettings

_SPARE_CONNECTIONS = 1  # a draft is flushed while a pipeline reads; the heartbeat has one of its own
_BEAT_LIMIT_S = 2.0  # also the shortest time that libpq grants a connection

log = structlog.get_logger(__name__)


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
    index = _open_index(settings)
    breakers = Breakers({Part.OLLAMA: ollama.probe, Part.QDRANT: index.probe}, every_s=settings.probe_s)
    return WorkerService(
        WorkerParts(
            engine=engine,
            broker=broker,
            publisher=Publisher(broker),
            runs=runs,
            breakers=breakers,
            heartbeat=_make_heartbeat(settings, runs, breakers),
            pipelines={
                "answer": AnswerPipeline(engine, ollama, index),
                "ingest": IngestPipeline(engine, ollama, index),
            },
            queues=settings.worker_queues,
            threads=settings.worker_threads,
            lease_s=settings.lease_s,
            stall_s=settings.stall_timeout_s,
            drain_s=settings.drain_timeout_s,
            grace_s=settings.watchdog_grace_s,
        )
    )


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


def _open_index(settings: WorkerSettings) -> PassageIndex:
    key = settings.qdrant_api_key
    return open_index(
        settings.qdrant_url,
        timeout_s=settings.qdrant_timeout_s,
        api_key=None if key is None else key.get_secret_value(),
    )


def _make_heartbeat(settings: WorkerSettings, runs: Runs, breakers: Breakers) -> Heartbeat:
    engine = make_engine(
        settings.database_url.get_secret_value(),
        pool_size=1,
        pool_timeout_s=_BEAT_LIMIT_S,
        application_name="relais-worker",
        answer_limit_s=_BEAT_LIMIT_S,
    )
    identity = Identity(
        name=f"{socket.gethostname()}:{os.getpid()}",
        queues=settings.worker_queues,
        slots=settings.worker_threads,
        version=version("relais-worker"),
    )
    return Heartbeat(
        engine,
        runs,
        identity,
        lease_s=settings.lease_s,
        beat_s=settings.heartbeat_s,
        waiting_for=lambda: breakers.down,
        on_beat=lambda: _touch(settings.worker_health_file),
    )


def _touch(path: Path | None) -> None:
    if path is not None:
        path.touch()
