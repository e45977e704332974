"""Runs a service as a process: from its start to a signal, or to the death of one of its threads."""

import signal
import threading
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

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
