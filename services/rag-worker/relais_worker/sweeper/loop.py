"""Repeats a round until told to stop; a database that is away is waited for."""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

log = structlog.get_logger(__name__)


class Loop:
    """A thread that calls `work` every `every_s` seconds."""

    def __init__(self, name: str, work: Callable[[], None], *, every_s: float) -> None:
        self._name = name
        self._work = work
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread; the first round is at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 15.0) -> None:
        """End after the round that runs now."""
        self._stop.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        failing = False
        while True:
            try:
                self._work()
                if failing:
                    log.info("loop.recovered", loop=self._name)
                failing = False
            except (DBAPIError, PoolTimeoutError) as error:
                if not failing:
                    log.warning("loop.waits_for_database", loop=self._name, error=type(error).__name__)
                failing = True
            if self._stop.wait(self._every_s):
                return
