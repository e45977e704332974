"""Looks into the database several times a second: leases, and every position in the line against a naive count."""

import threading
import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.store.line import read_lines

_EVERY_S = 0.15
_LEASES = text("""
SELECT job_id, attempt, worker_id, extract(epoch FROM expires_at)::float AS expires_at,
       extract(epoch FROM clock_timestamp())::float AS at FROM leases""")
_ORACLE = text("""
SELECT id, queue, priority, ticket, row_number() OVER (PARTITION BY queue ORDER BY priority, ticket) AS place
FROM jobs WHERE state IN ('pending', 'queued')""")


@dataclass(frozen=True, slots=True)
class LeaseSeen:
    """A lease at one moment; times in seconds since the epoch."""

    at: float
    job: UUID
    attempt: int
    worker: int
    expires_at: float


@dataclass(frozen=True, slots=True)
class WrongPlace:
    """A position that differs from the count in the same snapshot."""

    at: float
    job: UUID
    told: int
    counted: int


class Sampler:
    """A thread that samples from `start` to `stop`; a database that is away is a sample left out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self.leases: list[LeaseSeen] = []
        self.wrong_places: list[WrongPlace] = []
        self.places = 0
        self.defect: Exception | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End.

        Raises:
            Exception: what ended the thread before its time; a sampler that saw nothing proves nothing.
        """
        self._ended.set()
        self._thread.join(20)
        if self.defect is not None:
            raise self.defect

    def _run(self) -> None:
        try:
            while not self._ended.wait(_EVERY_S):
                self._sample_once()
        except Exception as defect:  # noqa: BLE001 -- raised again by `stop`, in the thread that runs the trial
            self.defect = defect

    def _sample_once(self) -> None:
        try:
            with self._engine.begin() as conn:
                self._sample(conn)
        except (OperationalError, InterfaceError, PoolTimeoutError):
            pass
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise  # a statement that the schema has outlived would see nothing for ever

    def _sample(self, conn: Connection) -> None:
        lines = read_lines(conn)
        for row in conn.execute(_ORACLE):
            told = lines.position(row.queue, row.priority, row.ticket)
            self.places += 1
            if told != row.place:
                self.wrong_places.append(WrongPlace(time.time(), row.id, told, row.place))
        for row in conn.execute(_LEASES):
            self.leases.append(LeaseSeen(row.at, row.job_id, row.attempt, row.worker_id, row.expires_at))
