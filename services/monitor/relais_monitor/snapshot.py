"""Reads the database for all scrapers: one reading at a time, shared for a moment, bounded in time."""

import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.store.ledger import EventKey
from relais.store.stats import Stats, read_stats
from relais_monitor.tally import Tally

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The figures of one moment, and the totals of the ledger at the same moment."""

    stats: Stats
    totals: Counter[EventKey]


class SnapshotReader:
    """Gives everybody the newest snapshot.

    Args:
        engine: the monitor's pool; it only reads.
        cache_s: how long a snapshot is shared.
        patience_s: longest wait for the database; a frozen server must not hold a scrape.
    """

    def __init__(self, engine: Engine, *, cache_s: float = 1.0, patience_s: float = 5.0) -> None:
        # All statements see one state, which makes the sums agree.
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._cache_s = cache_s
        self._patience_s = patience_s
        self._tally = Tally()
        self._lock = threading.Lock()
        self._reading: Future[Snapshot] | None = None
        self._started_at = 0.0
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snapshot")
        self._up = True

    def read(self) -> Snapshot | None:
        """Give the snapshot; None when the database does not answer. May be called from any thread."""
        reading = self._current()
        try:
            snapshot = reading.result(self._patience_s)
        except (DBAPIError, PoolTimeoutError, FutureTimeoutError) as error:
            self._note(up=False, reason=type(error).__name__)
            return None
        self._note(up=True)
        return snapshot

    def close(self) -> None:
        """Stop reading; a reading under way is left to its end."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _current(self) -> "Future[Snapshot]":
        with self._lock:
            if self._reading is None or (self._reading.done() and self._stale()):
                self._started_at = time.monotonic()
                self._reading = self._executor.submit(self._read)
            return self._reading

    def _stale(self) -> bool:
        return time.monotonic() - self._started_at >= self._cache_s

    def _read(self) -> Snapshot:
        with self._engine.begin() as conn:
            return Snapshot(read_stats(conn), self._tally.update(conn))

    def _note(self, *, up: bool, reason: str | None = None) -> None:
        if up != self._up:
            log.warning("database.up" if up else "database.away", reason=reason)
        self._up = up
