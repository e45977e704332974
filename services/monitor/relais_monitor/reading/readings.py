"""Runs the page's readings: bounded in number and time, and shared by those who ask for the same."""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.store.reading import reading, took_too_long
from relais_monitor.problems import MonitorProblem

T = TypeVar("T")
_AT_ONCE: Final = 2
_MOST_SHARED: Final = 64


def _too_slow() -> MonitorProblem:
    detail = "PostgreSQL needed too long for it. See its log and its load; the page goes on by itself."
    return MonitorProblem(504, "reading_too_slow", "The reading took too long", detail)


@dataclass(frozen=True, slots=True)
class _Shared:
    future: Future[Any]
    started_at: float


class Readings:
    """Reads snapshots of the database for many viewers.

    Args:
        engine: the monitor's pool.
        cache_s: how long those who ask for the same share one reading.
        limit_s: longest time of one statement.
        patience_s: longest wait of a viewer; a frozen server must not hold a thread of the web server.
    """

    def __init__(self, engine: Engine, *, cache_s: float = 1.0, limit_s: float = 4.0, patience_s: float = 5.0) -> None:
        self._engine = engine
        self._cache_s = cache_s
        self._limit_s = limit_s
        self._patience_s = patience_s
        self._shared: dict[Hashable, _Shared] = {}
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="reading")

    def read(
        self,
        key: Hashable,
        function: Callable[[Connection], T],
        *,
        too_slow: Callable[[], MonitorProblem] = _too_slow,
    ) -> T:
        """Run `function` in a snapshot, or share the result of another's run under the same key.

        Raises:
            MonitorProblem: 503 when the database is away, or `too_slow`, a 504, when it took too long.
        """
        shared = self._join(key, function)
        try:
            result: T = shared.future.result(self._patience_s)
        except (DBAPIError, PoolTimeoutError, FutureTimeoutError, CancelledError) as error:
            shared.future.cancel()  # for those who share it too: what could not begin in time is as late for them
            raise _problem(error, too_slow) from error
        return result

    def close(self) -> None:
        """Take no more readings."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _join(self, key: Hashable, function: Callable[[Connection], T]) -> _Shared:
        with self._lock:
            now = time.monotonic()
            self._forget(now)
            found = self._shared.get(key)
            if found is None:
                found = _Shared(self._executor.submit(self._run, function), now)
                if len(self._shared) < _MOST_SHARED:
                    self._shared[key] = found
            return found

    def _forget(self, now: float) -> None:
        stale = [
            key
            for key, shared in self._shared.items()
            if shared.future.done() and (shared.future.cancelled() or now - shared.started_at >= self._cache_s)
        ]
        for key in stale:
            del self._shared[key]

    def _run(self, function: Callable[[Connection], T]) -> T:
        with reading(self._engine, limit_s=self._limit_s) as conn:
            return function(conn)


def _problem(error: Exception, too_slow: Callable[[], MonitorProblem]) -> MonitorProblem:
    if isinstance(error, DBAPIError) and took_too_long(error):
        return too_slow()
    detail = (
        "PostgreSQL does not answer. See its log and RELAIS_DATABASE_URL of the monitor; the page goes on by itself."
    )
    return MonitorProblem(503, "database_unavailable", "The database is away", detail, retry_after_s=2)
