"""The one thread that keeps this process's leases alive and learns what it has lost."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.store.leases import beat, held_by
from relais.store.settle import settle_handed_back
from relais.store.workers import hold_worker_lock, is_registered, register_worker, say_goodbye
from relais_worker.engine.runs import Abort, Runs
from relais_worker.liveness import RECONNECT_EVERY_S

log = structlog.get_logger(__name__)

_TICK_S = 0.5
_LONGEST_GOODBYE_S = 4.0
_LOST_CLAIMS_APPEAR_WITHIN_S = 10.0  # a server that is slow may commit after the connection broke
_ABORT_OF = {"cancelled": Abort.CANCELLED, "superseded": Abort.SUPERSEDED}


@dataclass(frozen=True, slots=True)
class Identity:
    """How this worker enters the register."""

    name: str
    queues: Sequence[str]
    slots: int
    version: str


class Heartbeat:
    """Registers the worker, holds its lock, renews leases every `beat_s` seconds, watches the clock of each run.

    The beats go over the very connection that holds the lock: a worker that can beat is one that is known to live.
    A connection that breaks is replaced at once (see `liveness.silence_s` for what depends on it).

    Args:
        engine: of its own, with a short answer limit, so that neither a frozen server nor an exhausted pool keeps it.
        runs: the attempts of this process.
        identity: how the worker enters the register.
        lease_s: how far ahead a beat moves the end of a lease.
        beat_s: the time between two beats.
        waiting_for: names the parts that are down, for those who ask why nothing is claimed.
        on_beat: called after each beat that succeeded.
    """

    def __init__(
        self,
        engine: Engine,
        runs: Runs,
        identity: Identity,
        *,
        lease_s: float,
        beat_s: float,
        waiting_for: Callable[[], Sequence[str]] = tuple,
        on_beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._runs = runs
        self._identity = identity
        self._lease_s = lease_s
        self._beat_s = beat_s
        self._waiting_for = waiting_for
        self._on_beat = on_beat
        self._conn: Connection | None = None
        self._locked = False
        self._failing = False
        self._worker_id: int | None = None
        self._last_turn = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    @property
    def worker_id(self) -> int:
        """This worker's id in the register; there is none before `start`."""
        assert self._worker_id is not None, "start() registers the worker"  # noqa: S101 -- an order of calls, not an input
        return self._worker_id

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Register, take the lock, start beating.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away.
        """
        self._connect()
        self._thread.start()

    @property
    def busy_s(self) -> float:
        """Seconds since the thread last went round, whether its beat succeeded or not."""
        return time.monotonic() - self._last_turn

    def stop(self) -> None:
        """Say goodbye and end the thread; the lock goes with the connection."""
        self._stop.set()
        self._thread.join(_LONGEST_GOODBYE_S)
        if self._thread.is_alive():
            return  # it hangs with the connection: the free lock and the silence tell the sweeper the same
        self._disconnect()
        with suppress(DBAPIError, PoolTimeoutError), self._engine.begin() as conn:
            say_goodbye(conn, self.worker_id)
        self._engine.dispose()

    def _run(self) -> None:
        due = time.monotonic() + self._beat_s
        while not self._stop.wait(max(0.0, min(_TICK_S, due - time.monotonic()))):
            self._last_turn = time.monotonic()
            for run in self._runs.current():
                run.notice_time()
            if time.monotonic() >= due:
                due = time.monotonic() + self._beat_in_time()

    def _beat_in_time(self) -> float:
        """Beat; return the seconds until the next beat or attempt."""
        was_connected = self._conn is not None
        try:
            self._beat()
        except (DBAPIError, PoolTimeoutError) as error:
            self._disconnect()
            if was_connected:
                log.warning(
                    "heartbeat.failed", error=type(error).__name__, remedy="reconnecting; leases run on meanwhile"
                )
                self._failing = True
            return 0.0 if was_connected else RECONNECT_EVERY_S
        if self._failing:
            log.info("heartbeat.recovered", worker=self.worker_id)
            self._failing = False
        self._on_beat()
        return self._beat_s

    def _beat(self) -> None:
        conn = self._conn or self._connect()
        if not is_registered(conn, self.worker_id, name=self._identity.name):
            log.warning("worker.forgotten", worker=self.worker_id, remedy="registering again")
            self._disconnect()  # with the lock of an id that may be another worker's by now
            conn = self._connect()
        self._locked = self._locked or hold_worker_lock(conn, self.worker_id)
        running = {(run.job.id, run.job.attempt): run for run in self._runs.current() if run.aborted is None}
        reports = beat(
            conn,
            worker_id=self.worker_id,
            lease_s=self._lease_s,
            running=list(running),
            waiting_for=self._waiting_for(),
        )
        for report in reports:
            reason = _ABORT_OF.get(report.standing)
            # One that was settled since the list was made has lost its lease in good order.
            if reason is not None and running[report.job_id, report.attempt].abort(reason):
                log.info("job.lost", job=str(report.job_id), attempt=report.attempt, standing=report.standing)
        if self._runs.claim_lost_s < _LOST_CLAIMS_APPEAR_WITHIN_S:
            self._hand_back_lost_claims(conn)

    def _hand_back_lost_claims(self, conn: Connection) -> None:
        """Give back what a claim took whose end was lost on the wire: nobody here knows of it, and its lease runs."""
        for job_id, attempt in self._runs.unknown(held_by(conn, self.worker_id)):
            code = "database_unavailable"
            if settle_handed_back(conn, job_id, attempt, error_code=code) is not None:  # else it was settled meanwhile
                log.info("job.handed_back", job=str(job_id), attempt=attempt, reason="the end of its claim was lost")

    def _connect(self) -> Connection:
        conn = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            who = self._identity
            if self._worker_id is None or not is_registered(conn, self._worker_id, name=who.name):
                self._worker_id = register_worker(
                    conn, name=who.name, queues=who.queues, slots=who.slots, version=who.version
                )
            self._locked = hold_worker_lock(conn, self._worker_id)  # else with a later beat; the beats go on without it
        except BaseException:
            conn.close()
            raise
        self._conn = conn
        return conn

    def _disconnect(self) -> None:
        self._locked = False
        if self._conn is not None:
            self._conn.invalidate()  # back in the pool it would still hold the lock
            self._conn.close()
            self._conn = None
