"""Reads the database for all scrapers: one reading at a time, shared for a moment, bounded in time."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.lifecycle import State
from relais.queues import Kind
from relais.store.stats import Stats, read_stats
from relais_monitor.finished import FinishedJobs
from relais_monitor.tally.follow import Tally
from relais_monitor.tally.minutes import Day
from relais_monitor.tally.sums import Sums
from relais_monitor.windows import WINDOWS, PlotName, Point, Window, WindowName, add_up_window, plot

log = structlog.get_logger(__name__)

# While something long is done in the background, a snapshot as old as this is still good.
_GOOD_FOR_S = 5.0


class _ClosedError(Exception):
    """Nothing is read any more."""


@dataclass(frozen=True, slots=True)
class History:
    """What the ledger says: totals since the beginning, and the last day by the minute."""

    now: float
    totals: Sums
    day: Day
    windows: dict[WindowName, Window]

    def sums(self, seconds: int) -> Sums:
        """What was recorded in the whole minutes of the last so many seconds, up to a day, and the current one."""
        minute = int(self.now) // 60 * 60
        return self.day.sums(minute - seconds // 60 * 60, minute + 120)

    def plot(self, name: PlotName, kind: Kind | None = None) -> list[Point]:
        """The steps of a plot, oldest first."""
        return plot(self.day, name, self.now, kind)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The figures of one moment; no history while the monitor still reads the ledger after its start.

    `jobs` has no finished ones before they were counted for the first time.
    """

    stats: Stats
    jobs: dict[tuple[Kind, State], int]
    history: History | None


class SnapshotReader:
    """Gives everybody the newest snapshot.

    Args:
        engine: the monitor's pool; it only reads.
        cache_s: how long a snapshot is shared.
        patience_s: longest wait for the database; a frozen server must not hold a scrape.
        tally: what follows the ledger.
    """

    def __init__(
        self, engine: Engine, *, cache_s: float = 1.0, patience_s: float = 5.0, tally: Tally | None = None
    ) -> None:
        # All statements see one state, which makes the sums agree.
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._cache_s = cache_s
        self._patience_s = patience_s
        self._tally = tally or Tally()
        self._finished = FinishedJobs()
        self._lock = threading.Lock()
        self._reading: Future[Snapshot] | None = None
        self._background: Future[None] | None = None
        self._counting: Future[None] | None = None
        self._started_at = 0.0
        # One thread: the tally is nobody else's, and scrapers can't pile up in the database.
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snapshot")
        # Another: however long it takes to count what finished, it holds no scrape.
        self._counter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="finished")
        self._up = True
        self._catching_up = False
        self._closed = False

    def read(self) -> Snapshot | None:
        """Give the snapshot; None when the database does not answer, or after `close`. For any thread."""
        try:
            snapshot = self._current().result(self._patience_s)
        except (DBAPIError, PoolTimeoutError, FutureTimeoutError) as error:
            self._note(up=False, reason=type(error).__name__)
            return None
        except _ClosedError:
            return None
        self._note(up=True)
        return snapshot

    def close(self) -> None:
        """Stop reading; a reading under way is left to its end."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._executor.submit(self._tally.save, at_once=True)
                self._executor.shutdown(wait=False)
                self._counter.shutdown(wait=False, cancel_futures=True)

    def _current(self) -> "Future[Snapshot]":
        with self._lock:
            if self._closed:
                raise _ClosedError
            if self._reading is None or (self._reading.done() and self._stale()):
                self._started_at = time.monotonic()
                self._reading = self._executor.submit(self._read)
            return self._reading

    def _stale(self) -> bool:
        return time.monotonic() - self._started_at >= (max(self._cache_s, _GOOD_FOR_S) if self._busy else self._cache_s)

    @property
    def _busy(self) -> bool:
        """Whether the next reading would have to wait for something long, while the last one went well."""
        if self._reading is None or self._background is None or self._background.done():
            return False
        return self._reading.done() and self._reading.exception() is None

    def _read(self) -> Snapshot:
        with self._engine.begin() as conn:
            stats = read_stats(conn)
            is_complete = self._tally.update(conn)
            totals = self._tally.state.totals.copy()
        finished = self._finished.at(totals, self._beginning)
        history = self._history(stats.now, totals) if self._tally.ready else None
        self._go_on(is_complete=is_complete)
        return Snapshot(stats, {**stats.backlog.jobs, **finished}, history)

    @property
    def _beginning(self) -> int | None:
        """The beginning of the totals; None while the ledger is still being read, so that they don't hold all."""
        return self._tally.beginnings if self._tally.ready else None

    def _history(self, now: float, totals: Sums) -> History:
        day = self._tally.state.minutes.view()
        return History(now, totals, day, {name: add_up_window(day, name, now) for name in WINDOWS})

    def _go_on(self, *, is_complete: bool) -> None:
        """Do after a reading whatever need not hold a scrape: count what finished, read on in a long ledger, save."""
        with self._lock:
            if self._closed:
                return
            if self._finished.due(self._beginning) and (self._counting is None or self._counting.done()):
                self._counting = self._counter.submit(self._count)
            if is_complete:
                self._executor.submit(self._tally.save)
            elif not self._catching_up:  # one at a time: between two steps there is room for a reading
                self._catching_up = True
                self._background = self._executor.submit(self._catch_up)

    def _catch_up(self) -> None:
        self._catching_up = False
        with self._quietly(), self._engine.begin() as conn:
            is_complete = self._tally.update(conn, patient=True)
            self._go_on(is_complete=is_complete)

    def _count(self) -> None:
        with self._quietly(), self._engine.begin() as conn:
            totals, beginning, is_complete = self._executor.submit(self._totals_in, conn).result()
            if is_complete or beginning is None:  # else much came meanwhile, and the next reading asks again
                self._finished.count(conn, totals, counted_with=beginning)

    def _totals_in(self, conn: Connection) -> tuple[Sums, int | None, bool]:
        """Read the ledger up to the snapshot of a connection that counts afterwards, so that both say the same."""
        is_complete = self._tally.update(conn)
        return self._tally.state.totals.copy(), self._beginning, is_complete

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Leave it to the next reading to say that the database is away."""
        try:
            yield
        except (DBAPIError, PoolTimeoutError) as error:
            log.info("snapshot.background_failed", reason=type(error).__name__)

    def _note(self, *, up: bool, reason: str | None = None) -> None:
        if up != self._up:
            log.warning("database.up" if up else "database.away", reason=reason)
        self._up = up
