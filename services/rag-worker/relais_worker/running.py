"""Runs a service as a process: from its start to a signal, or to the death of one of its threads."""

import faulthandler
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from relais.stopping import SignalEvent
from relais.store.outage import is_outage

_LOOK_EVERY_S = 1.0
_WAIT_FOR_DATABASE_S = 60.0
_REMIND_EVERY_S = 10.0

log = structlog.get_logger(__name__)


class Service(Protocol):
    """What `run_until_told` runs."""

    @property
    def alive(self) -> bool:
        """Whether every thread that it needs still runs and none hangs."""

    @property
    def left_nothing(self) -> bool:
        """After a stop: whether nothing was left undone that it could have done."""

    @property
    def deaf_limit_s(self) -> float:
        """Seconds without a look at `alive` after which the process must be beyond help."""

    @property
    def stop_limit_s(self) -> float:
        """Seconds after which a stop that goes on must have hung."""

    def start(self) -> None:
        """Start; may be called again after it raised `sqlalchemy.exc.DBAPIError`."""

    def stop(self) -> None:
        """Stop in good order."""


def run_until_told(service: Service) -> int:
    """Start a service, wait for a signal or for a defect of one of its threads, stop it; return the exit status.

    A thread that is dead or hangs makes a process that looks alive and does less than it should: it ends with status 1
    instead, and its container is started anew. Code in C that keeps Python's global lock stops every thread, the one
    that looks too: then a timer of `faulthandler`, which needs no lock, prints where the threads are and ends the
    process. A second signal changes nothing: the stop takes its time, which is bounded.
    """
    told = SignalEvent()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    if not _start(service, told):
        return 0 if told.is_set() else 1
    well = True
    while well and not told.is_set():
        faulthandler.dump_traceback_later(service.deaf_limit_s, exit=True)
        told.wait(_LOOK_EVERY_S)
        well = service.alive
    faulthandler.dump_traceback_later(service.stop_limit_s + service.deaf_limit_s, exit=True)
    stopped = _stop(service)
    if well and stopped and service.left_nothing:
        return 0
    _leave_at_once(hangs=not stopped)
    return 1


def _start(service: Service, told: SignalEvent, *, patience_s: float = _WAIT_FOR_DATABASE_S) -> bool:
    """Start, waiting for a database that is away; False when it doesn't come, or when told to stop meanwhile."""
    give_up_at = time.monotonic() + patience_s
    remind_at = 0.0
    while not told.is_set():
        try:
            _start_once(service, give_up_at)
        except DBAPIError as error:
            now = time.monotonic()
            if not is_outage(error) or now >= give_up_at:
                remedy = "check RELAIS_DATABASE_URL; run `relais migrate` once"
                log.critical("start.failed", error=str(error.orig).strip(), remedy=remedy)
                return False
            if now >= remind_at:
                remind_at = now + _REMIND_EVERY_S
                waits = f"{give_up_at - now:.0f} s more"
                log.warning("start.waits_for_database", error=str(error.orig).strip(), waits=waits)
            told.wait(_LOOK_EVERY_S)
        else:
            return True
    return False


def _start_once(service: Service, give_up_at: float) -> None:
    """Start in a thread, and look meanwhile: its other threads work already before it has come back.

    One that hangs on is looked at no more after `give_up_at`, so that the timer ends the process.
    """
    with ThreadPoolExecutor(1, "start") as executor:
        start = executor.submit(service.start)
        looks_until = max(give_up_at, time.monotonic() + _LOOK_EVERY_S)
        while not start.done():
            if time.monotonic() < looks_until:
                faulthandler.dump_traceback_later(service.deaf_limit_s, exit=True)
            wait([start], _LOOK_EVERY_S)
        start.result()


def _stop(service: Service) -> bool:
    """Stop; False when that hangs."""
    stopping = threading.Thread(target=service.stop, name="stop", daemon=True)
    stopping.start()
    stopping.join(service.stop_limit_s)
    if stopping.is_alive():
        log.critical("stop.hangs", after_s=service.stop_limit_s, remedy="the process ends all the same")
    return not stopping.is_alive()


def _leave_at_once(*, hangs: bool) -> None:
    """End the process without Python's own end, which would wait for every thread that isn't a daemon."""
    stuck = [t.name for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
    if stuck or hangs:
        log.critical("exit.at_once", stuck=stuck)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)
