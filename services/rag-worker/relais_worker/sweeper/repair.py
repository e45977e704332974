"""Gives back the jobs of dead workers, persists the watermarks, prunes what is old."""

import time

import structlog
from sqlalchemy import Engine

from relais.store.sweep import advance_watermarks, expire_leases, note_heartbeat, prune, try_sweep_lock
from relais.store.workers import declare_dead

_BATCH = 500
_PRUNE_EVERY_S = 60.0

log = structlog.get_logger(__name__)


class Repair:
    """One round of repairs; any number of sweepers may run, one at a time acts."""

    def __init__(
        self, engine: Engine, *, heartbeat_s: float, lease_s: float, retention_days: int, ledger_retention_days: int
    ) -> None:
        self._engine = engine
        self._silence_s = 1.5 * heartbeat_s
        self._grace_s = lease_s
        self._retention_days = retention_days
        self._ledger_retention_days = ledger_retention_days
        self._next_prune = time.monotonic()

    def __call__(self) -> None:
        """Repair once.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away.
        """
        with self._engine.begin() as conn:
            if not try_sweep_lock(conn):
                return
            for worker_id in declare_dead(conn, silence_s=self._silence_s, grace_s=self._grace_s):
                log.warning("worker.lost", worker=worker_id)
            for job in expire_leases(conn, grace_s=self._grace_s, limit=_BATCH):
                log.warning("job.expired", **{key: str(value) for key, value in job.items()})
            advance_watermarks(conn)
            note_heartbeat(conn, "sweeper", {})
        if time.monotonic() >= self._next_prune:
            self._prune()

    def _prune(self) -> None:
        # In a transaction of its own: the one above has locked lanes, for which every acceptance would wait.
        with self._engine.begin() as conn:
            pruned = try_sweep_lock(conn) and prune(
                conn,
                jobs_older_than_days=self._retention_days,
                ledger_older_than_days=self._ledger_retention_days,
                limit=_BATCH,
            )
        if pruned < _BATCH:  # more of it in the next round, in small batches
            self._next_prune = time.monotonic() + _PRUNE_EVERY_S
