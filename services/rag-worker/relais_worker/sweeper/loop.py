"""Repeats a round until told to stop; a database that is away is waited for."""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.turns import Turns
from relais_worker.watchdog import Watched

log = structlog.get_logger(__name__)


class Loop:
    """A thread that calls `work` every `every_s` seconds."""

    def __init__(self, name: str, work: Callable[[], None], *, every_s: float) -> None:
        self._name = name
        self._work = work
        self._every_s = every_s
        self._turns = Turns()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def watched(self, limit_s: float) -> Watched:
        """How the thread is; a round may last `limit_s` seconds."""
        return Watched(self._name, self._thread.is_alive(), self._turns.busy_s, limit_s)

    def start(self) -> None:
        """Start the thread; the first round is at once."""
        self._thread.start()

    def wake(self) -> None:
        """Begin the next round now, or right after the one that runs."""
        self._wake.set()

    def stop(self, timeout_s: float = 15.0) -> None:
        """End after the round that runs now."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        failing = False
        while True:
            try:
                with self._turns.turn():
                    self._work()
                if failing:
                    log.info("loop.recovered", loop=self._name)
                failing = False
            except (DBAPIError, PoolTimeoutError) as error:
                if not failing:
                    log.warning("loop.waits_for_database", loop=self._name, error=type(error).__name__)
                failing = True
            self._wake.wait(self._every_s)
            self._wake.clear()
            if self._stop.is_set():
                return
