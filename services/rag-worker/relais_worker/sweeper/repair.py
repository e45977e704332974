"""Gives back the jobs of dead workers, persists the watermarks, prunes what is old."""

import time
from collections.abc import Callable

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from relais.store.outage import is_outage
from relais.store.sweep import advance_watermarks, expire_leases, note_heartbeat, try_sweep_lock
from relais.store.workers import declare_dead, find_cut_off
from relais_worker.liveness import silence_s
from relais_worker.sweeper.prune import Prune, Retention

_BATCH = 500

log = structlog.get_logger(__name__)


class Repair:
    """One round of repairs; any number of sweepers may run, one at a time acts.

    What cut the sweeper off from the database may have cut off the workers too: as after a start of the database,
    they get a lease's time to come back before anybody is declared dead and before any lease lapses.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        heartbeat_s: float,
        lease_s: float,
        retention: Retention,
        on_given_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_given_back = on_given_back
        self._engine = engine
        self._silence_s = silence_s(heartbeat_s)
        self._grace_s = lease_s
        self._judges_from = time.monotonic()
        self._cut_off = False
        self._cut_off_workers: list[int] = []
        # In transactions of its own: a round of repairs locks lanes, for which every acceptance would wait.
        self._prune = Prune(engine, retention)

    def __call__(self) -> None:
        """Repair once.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away.
        """
        try:
            if self._round():
                self._on_given_back()
        except DBAPIError as error:
            self._cut_off = self._cut_off or is_outage(error)
            raise
        self._prune()

    def _round(self) -> bool:
        """Tell whether jobs went back into the line."""
        with self._engine.begin() as conn:
            locked = try_sweep_lock(conn)
            if self._cut_off:
                self._cut_off = False
                self._judges_from = time.monotonic() + self._grace_s
            if not locked:
                return False
            given_back = time.monotonic() >= self._judges_from and self._give_back(conn)
            advance_watermarks(conn)
            note_heartbeat(conn, "sweeper", {})
        return given_back

    def _give_back(self, conn: Connection) -> bool:
        for worker_id in declare_dead(
            conn, silence_s=self._silence_s, grace_s=self._grace_s, spared=self._cut_off_workers
        ):
            log.warning("worker.lost", worker=worker_id)
        # When their network heals, the old connection's end arrives before the first new beat: they get a round for it.
        self._cut_off_workers = find_cut_off(conn, silence_s=self._silence_s)
        taken = expire_leases(conn, grace_s=self._grace_s, limit=_BATCH)
        for job in taken:
            log.warning("job.expired", **{key: str(value) for key, value in job.items()})
        return bool(taken)
