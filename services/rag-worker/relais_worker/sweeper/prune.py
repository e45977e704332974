"""Keeps the tables small, batch by batch: moves what ended out of the hot table, deletes what was kept long enough."""

import time
from collections import Counter
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from relais.lifecycle import State
from relais.store.bulk import JobFilter
from relais.store.forgetting import forget_events, forget_jobs, forget_workers
from relais.store.retention import clean_matching
from relais.store.sweep import try_sweep_lock
from relais_worker.settings import SweeperSettings

_BATCH = 500
_EVERY_S = 10.0
_ROUND_S = 0.5  # repairs wait for it
_HOUR_S = 3_600.0
_DAY_S = 24 * _HOUR_S

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept where: in the hot table by state, at all (None: without end), in the ledger."""

    completed_hours: float = 24
    completed_max: int = 1_000
    failed_days: float = 7
    cancelled_days: float = 7
    days: int | None = 90
    ledger_days: int = 30

    @classmethod
    def of(cls, settings: SweeperSettings) -> "Retention":
        """What the settings say."""
        return cls(
            completed_hours=settings.retention_completed_hours,
            completed_max=settings.retention_completed_max,
            failed_days=settings.retention_failed_days,
            cancelled_days=settings.retention_cancelled_days,
            days=settings.retention_days or None,
            ledger_days=settings.ledger_retention_days,
        )

    def moves(self) -> tuple[tuple[JobFilter, int | None], ...]:
        """Which jobs leave the hot table, each with how many of the newest stay; at the latest, those to be deleted."""
        ages_s = {
            State.COMPLETED: self.completed_hours * _HOUR_S,
            State.FAILED: self.failed_days * _DAY_S,
            State.CANCELLED: self.cancelled_days * _DAY_S,
        }
        longest_s = float("inf") if self.days is None else self.days * _DAY_S
        by_age = [(JobFilter(state=state, older_than_s=min(age_s, longest_s)), None) for state, age_s in ages_s.items()]
        return (*by_age, (JobFilter(state=State.COMPLETED), self.completed_max))


class Prune:
    """Rounds of pruning, each at most half a second long; what is left then is for the next."""

    def __init__(self, engine: Engine, retention: Retention) -> None:
        self._engine = engine
        self._retention = retention
        self._next = time.monotonic()

    def __call__(self) -> None:
        """Prune, if it is time to.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away.
        """
        began, done = time.monotonic(), Counter[str]()
        while time.monotonic() >= self._next:
            batch = self._batch()
            done.update(batch)
            if max(batch.values(), default=0) < _BATCH:
                self._next = time.monotonic() + _EVERY_S
            elif time.monotonic() >= began + _ROUND_S:
                break
        if done.total():
            log.info("pruned", **done)

    def _batch(self) -> dict[str, int]:
        """Tell how many rows went, by what they were; nothing when another sweeper prunes."""
        with self._engine.begin() as conn:
            return {**self._move(conn), **self._forget(conn)} if try_sweep_lock(conn) else {}

    def _move(self, conn: Connection) -> dict[str, int]:
        moved = Counter[str]()
        for which, keep in self._retention.moves():
            moved[f"{which.state}_moved"] += len(clean_matching(conn, which, keep=keep, limit=_BATCH))
        return moved

    def _forget(self, conn: Connection) -> dict[str, int]:
        kept = self._retention
        return {
            "jobs_deleted": 0 if kept.days is None else forget_jobs(conn, older_than_days=kept.days, limit=_BATCH),
            "events_deleted": forget_events(conn, older_than_days=kept.ledger_days, limit=_BATCH),
            "workers_deleted": forget_workers(conn, older_than_days=kept.ledger_days),
        }
