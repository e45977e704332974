"""Faults of PostgreSQL and of the way to it: restarts, lost sessions, ambiguous commits, locks, lines that go dead."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

import psycopg
from sqlalchemy import text

from faults.fault import Fault
from faults.rig import Rig
from support.proxy_flow import Direction
from support.waiting import wait_until

Inject = Callable[[Rig, random.Random], AbstractContextManager[object]]

_SERVICES = "application_name LIKE 'relais-%'"
_TERMINATE = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_SERVICES}"
_MOST_CONNECTIONS = 200
_COMMITS_WITHIN_S = 15.0
_COMMIT = b"COMMIT"
_COMMITTED = b"COMMIT\0"  # as the server confirms it
_ANSWER_STORED = b"INSERT 0 1"  # of what a worker writes in a transaction, only an answer is inserted by a bare INSERT


@contextmanager
def _killed(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """SIGKILL: it comes back by crash recovery."""
    rig.postgres.kill()
    try:
        yield
    finally:
        _up(rig)


@contextmanager
def _restarted_at_once(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """SIGKILL, and a start at once."""
    rig.postgres.kill()
    rig.postgres.start()
    yield


@contextmanager
def _restarted_fast(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """A fast shutdown, as for a minor upgrade, and a start."""
    rig.postgres.stop()
    rig.postgres.start()
    yield


@contextmanager
def _terminated(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """An administrator ends every session of the services; new ones work."""
    with rig.engine.begin() as conn:
        conn.execute(text(_TERMINATE))
    yield


def _commit_cut(service: bytes, *, arrives: bool, after: bytes = b"") -> Inject:
    """A service's connection breaks during COMMIT: before the server has it, or when it committed and is to say so."""
    pattern, direction = (_COMMITTED, "to_client") if arrives else (_COMMIT, "to_server")

    @contextmanager
    def inject(rig: Rig, rng: random.Random) -> Iterator[None]:
        towards: Direction = direction  # type: ignore[assignment] # one of the two literals
        times = rng.randint(1, 6)
        cut = rig.database_proxy.cut_when(pattern, towards, before=True, times=times, only=service, after=after)
        try:
            wait_until(lambda: cut.happened, _COMMITS_WITHIN_S, "a commit was cut")
            yield
        finally:
            rig.database_proxy.pass_on()

    return inject


@contextmanager
def _tables_locked(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Somebody holds `jobs`: every statement waits, the pools run empty."""
    with ExitStack() as ends:
        conn = ends.enter_context(rig.engine.connect())
        ends.callback(conn.rollback)
        conn.execute(text("SET LOCAL lock_timeout = '5s'"))
        conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = '60s'"))
        conn.execute(text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
        yield


@contextmanager
def _connections_exhausted(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Others take every connection of the server, and the services lose theirs."""
    url = rig.postgres.url().replace("+psycopg", "")
    with ExitStack() as ends:
        _take_all(url, ends)
        for _ in range(3):  # what becomes free is taken before the services can
            with suppress(psycopg.OperationalError):
                ends.enter_context(psycopg.connect(url, autocommit=True)).execute(_TERMINATE)
            with rig.engine.connect() as conn:
                conn.execute(text(_TERMINATE))
            _take_all(url, ends)
        yield


def _take_all(url: str, ends: ExitStack) -> None:
    with suppress(psycopg.OperationalError):
        for _ in range(_MOST_CONNECTIONS):
            ends.enter_context(psycopg.connect(url, application_name="crowd", autocommit=True))


def _blinking(*, silent: bool) -> Inject:
    """The line is gone for a second: silently, or with every connection reset and refused. It must cost no attempt."""

    @contextmanager
    def inject(rig: Rig, _rng: random.Random) -> Iterator[None]:
        (rig.database_proxy.freeze if silent else rig.database_proxy.cut)()
        time.sleep(1.0)
        rig.database_proxy.pass_on()
        yield

    return inject


def _blacked_out(*, silent: bool) -> Inject:
    """The line is gone for five seconds."""

    @contextmanager
    def inject(rig: Rig, _rng: random.Random) -> Iterator[None]:
        (rig.database_proxy.freeze if silent else rig.database_proxy.cut)()
        try:
            yield
        finally:
            rig.database_proxy.pass_on()

    return inject


@contextmanager
def _one_service_severed(rig: Rig, rng: random.Random) -> Iterator[None]:
    """One kind of service loses its connections, the others keep theirs."""
    rig.database_proxy.sever(only=rng.choice([b"relais-api", b"relais-worker", b"relais-sweeper", b"relais-monitor"]))
    yield


@contextmanager
def _slow(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Each piece takes 50 ms each way."""
    rig.database_proxy.delay(0.05)
    try:
        yield
    finally:
        rig.database_proxy.pass_on()


def _up(rig: Rig) -> None:
    if not rig.postgres.is_running:
        rig.postgres.start()


_API, _WORKER, _SWEEPER = b"relais-api", b"relais-worker", b"relais-sweeper"
_CUTS_S = (2.0, 3.0)

FAULTS = (
    Fault("database.sigkill", _killed, pace="slow"),
    Fault("database.restarted_immediate", _restarted_at_once, pace="slow", shortcut=True, costs_attempts=False),
    Fault("database.restarted_fast", _restarted_fast, pace="slow", costs_attempts=False),
    Fault("database.sessions_terminated", _terminated, pace="slow", costs_attempts=False),
    Fault("database.commit_lost.api", _commit_cut(_API, arrives=False), lasts_s=_CUTS_S),
    Fault("database.commit_unanswered.api", _commit_cut(_API, arrives=True), lasts_s=_CUTS_S, shortcut=True),
    Fault("database.commit_lost.worker", _commit_cut(_WORKER, arrives=False), lasts_s=_CUTS_S),
    Fault("database.commit_unanswered.worker", _commit_cut(_WORKER, arrives=True), lasts_s=_CUTS_S),
    Fault("database.commit_lost.answer", _commit_cut(_WORKER, arrives=False, after=_ANSWER_STORED), lasts_s=_CUTS_S),
    Fault(
        "database.commit_unanswered.answer",
        _commit_cut(_WORKER, arrives=True, after=_ANSWER_STORED),
        lasts_s=_CUTS_S,
        shortcut=True,
    ),
    Fault("database.commit_unanswered.sweeper", _commit_cut(_SWEEPER, arrives=True), lasts_s=_CUTS_S),
    Fault("database.tables_locked", _tables_locked, lasts_s=(1.0, 6.0)),
    Fault("database.connections_exhausted", _connections_exhausted, lasts_s=(2.0, 4.0)),
    Fault("database.blink_silent", _blinking(silent=True), lasts_s=(0.1, 0.5), pace="slow", costs_attempts=False),
    Fault("database.blink_reset", _blinking(silent=False), lasts_s=(0.1, 0.5), pace="slow", costs_attempts=False),
    Fault("database.blackout_5_s_silent", _blacked_out(silent=True), lasts_s=(5.0, 5.0), pace="slow"),
    Fault("database.blackout_5_s_reset", _blacked_out(silent=False), lasts_s=(5.0, 5.0), pace="slow"),
    Fault("database.one_service_severed", _one_service_severed, pace="slow"),
    Fault("database.slow", _slow, lasts_s=(2.0, 3.0)),
)
