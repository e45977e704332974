"""Restarts a service that ended, as Compose's `restart: unless-stopped` does."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from support.stack import Service

_EVERY_S = 0.1
# An end in good order, or by one of the signals with which the nemesis ends processes.
_TOLD_TO_END = frozenset({0, -signal.SIGKILL, -signal.SIGTERM})


def ended_by_itself(status: int) -> bool:
    """Whether a process with this exit status crashed or gave up, rather than was told to end."""
    return status not in _TOLD_TO_END


class Supervisor:
    """A thread over the services of a rig; `suspended` keeps the dead dead for a while."""

    def __init__(self, services: Callable[[], Sequence[Service]], on_death: Callable[[Service], None]) -> None:
        self._services = services
        self._on_death = on_death
        self._ended = threading.Event()
        self._lock = threading.RLock()
        self._suspended = 0
        self._noted: set[int] = set()
        self.restarts = 0
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Restart nothing any more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(10)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Restart nothing meanwhile."""
        with self._lock:
            self._suspended += 1
        try:
            yield
        finally:
            with self._lock:
                self._suspended -= 1

    def look(self) -> None:
        """Restart what ended, now."""
        with self._lock:
            for service in self._services():
                popen = service.popen
                if popen is None or popen.poll() is None:
                    continue
                if popen.pid not in self._noted:
                    self._noted.add(popen.pid)
                    self._on_death(service)
                if not self._suspended:
                    service.start()
                    self.restarts += 1

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self.look()
