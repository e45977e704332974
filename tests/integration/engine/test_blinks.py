"""A worker whose connection to the database breaks: what costs an attempt, and what doesn't."""

import os
import signal
import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from relais.store.engine import make_engine
from relais_worker.liveness import BLINK_S, silence_s
from support.proxy import Proxy
from support.seeding import accept_many, make_agent, state_of
from support.soundness import assert_all_threads_well
from support.stalls import StallWatch
from support.waiting import wait_until

BEAT_S = 0.5
GRACE_S = 1.0  # after a start of the database, which was just now
_JUDGED_BLINKS, _MOST_BLINKS = 3, 10


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    """Between the worker and the database; the sweeper and the test go direct."""
    proxy = Proxy(database_url).start()
    yield proxy
    proxy.pass_on()
    proxy.stop()


@pytest.fixture
def start_behind(proxy: Proxy, database_url: str, engine: Engine, start_worker, gate):
    """Start a worker behind the proxy, with one job that runs; return the service and the job's id."""

    def start():
        wait_until(lambda: _seconds_up(engine) > GRACE_S + 1, 20, "the database's workers are judged")
        (job,) = accept_many(engine, make_agent(engine), 1)
        worker_database = proxy.reroute(database_url)
        service = start_worker(gate, worker_database=worker_database, beat_s=BEAT_S, grace_s=GRACE_S)
        wait_until(lambda: gate.started, 20, "started")
        return service, job

    return start


def _seconds_up(engine: Engine) -> float:
    return float(_scalar(engine, "SELECT extract(epoch FROM now() - pg_postmaster_start_time())"))


def _scalar(engine: Engine, statement: str):
    with engine.begin() as conn:
        return conn.execute(text(statement)).scalar_one()


def _last_beat(engine: Engine) -> float:
    """When the worker beat last, on this machine's clock, which is the database's."""
    return float(_scalar(engine, "SELECT extract(epoch FROM heartbeat_at) FROM workers"))


def _events(engine: Engine, job: UUID | None = None) -> list[str]:
    which = "transition <> 'announce' AND job_id = coalesce(:job, job_id)"
    with engine.begin() as conn:
        found = conn.execute(text(f"SELECT transition FROM job_events WHERE {which} ORDER BY id"), {"job": job})
        return [row[0] for row in found]


def _wait_for_the_end_of_a_beat(engine: Engine) -> None:
    """Return just before the next beat is due: the worst moment for a cut."""
    before = _last_beat(engine)
    fresh = wait_until(lambda: (now := _last_beat(engine)) != before and now, 10, "a beat")
    wait_until(lambda: time.time() >= fresh + 0.9 * BEAT_S, 10)


def test_a_blink_at_the_worst_moment_costs_no_attempt(engine: Engine, proxy: Proxy, start_behind, gate):
    """Cut right before a beat is due, for as long as `BLINK_S`: the worker is back before it counts as dead."""
    _, job = start_behind()
    judged = 0
    for _ in range(_MOST_BLINKS):
        with StallWatch() as watch:
            _blink_at_the_worst_moment(engine, proxy)
        gate.open.set()
        wait_until(lambda job=job: state_of(engine, job) == "completed", 10, "completed")
        if not watch.stalled:  # else the time that it took says nothing about the worker
            assert _events(engine, job) == ["accept", "claim", "complete"]
            judged += 1
        if judged == _JUDGED_BLINKS:
            return
        gate.open.clear()
        (job,) = accept_many(engine, make_agent(engine), 1)
        wait_until(lambda job=job: str(job) in dict(gate.started), 20, "the next job runs")
    pytest.fail(f"the machine is too busy to judge: it stood still in {_MOST_BLINKS - judged} of {_MOST_BLINKS} blinks")


def _blink_at_the_worst_moment(engine: Engine, proxy: Proxy) -> None:
    _wait_for_the_end_of_a_beat(engine)
    last_beat = _last_beat(engine)
    cut_at = time.monotonic()
    proxy.cut()
    wait_until(lambda: time.monotonic() >= cut_at + BLINK_S, 10)
    proxy.pass_on()
    wait_until(lambda: _last_beat(engine) > last_beat, 10, "it beats again")


def test_connections_that_are_reset_cost_no_attempt(engine: Engine, proxy: Proxy, start_behind, gate):
    """Every connection of the worker breaks and can be made anew at once, again and again."""
    _, job = start_behind()
    for _ in range(5):
        last_beat = _last_beat(engine)
        proxy.sever()
        wait_until(lambda last=last_beat: _last_beat(engine) > last, 10, "it beats again")
    gate.open.set()
    wait_until(lambda: state_of(engine, job) == "completed", 10, "completed")
    assert "expire" not in _events(engine)


def test_a_worker_that_was_declared_dead_wrongly_comes_back(engine: Engine, proxy: Proxy, start_behind, gate):
    """Cut off for longer, it loses its attempt, which stops; with its next beat it is in the register again."""
    service, job = start_behind()
    proxy.cut()
    wait_until(lambda: "expire" in _events(engine), silence_s(BEAT_S) + 5, "declared dead")
    assert _scalar(engine, "SELECT stopped_at IS NOT NULL FROM workers")
    assert state_of(engine, job) == "queued", "nobody else is there"
    proxy.pass_on()
    wait_until(lambda: len(gate.started) == 2, 20, "it runs the job again")
    wait_until(lambda: len(service._parts.runs.current()) == 1, 10, "the first attempt ended")
    gate.open.set()
    wait_until(lambda: state_of(engine, job) == "completed", 10, "completed")
    assert _scalar(engine, "SELECT count(*) FROM workers WHERE stopped_at IS NULL") == 1
    assert _scalar(engine, "SELECT attempt FROM answers") == 2
    assert _events(engine) == ["accept", "claim", "expire", "claim", "complete"]


def test_a_frozen_connection_neither_hangs_the_heartbeat_nor_costs_an_attempt(
    engine: Engine, proxy: Proxy, start_behind, gate
):
    """Half-open: no byte passes and nobody learns of it. The beat is given up, and the next goes another way."""
    service, job = start_behind()
    frozen_at = time.monotonic()
    proxy.freeze()
    wait_until(lambda: service._parts.heartbeat._conn is None, 10, "the beat was given up")
    assert time.monotonic() - frozen_at < 5
    wait_until(lambda: time.monotonic() > frozen_at + silence_s(BEAT_S) + 2, 20)
    assert state_of(engine, job) == "processing", "the lock is held as long as the server knows of nothing"
    last_beat = _last_beat(engine)
    proxy.pass_on()
    wait_until(lambda: _last_beat(engine) > last_beat, 10, "it beats again")
    gate.open.set()
    wait_until(lambda: state_of(engine, job) == "completed", 10, "completed")
    assert "expire" not in _events(engine)
    assert_all_threads_well(service)


def test_a_claim_whose_end_was_lost_is_handed_back_at_once(
    engine: Engine, proxy: Proxy, database_url: str, start_worker, gate
):
    """The claim is committed, and the connection breaks before the worker learns so: its next beats give it back."""
    gate.open.set()
    agent = make_agent(engine)
    start_worker(gate, worker_database=proxy.reroute(database_url), beat_s=BEAT_S)
    # Only the row of a job carries the queue's name: what the other thread's empty claims commit isn't cut.
    cut = proxy.cut_when(b"COMMIT\0", "to_client", before=True, after=b"ai-messages")
    (job,) = accept_many(engine, agent, 1)
    wait_until(lambda: state_of(engine, job) == "completed", 15, "completed, before the lease of 20 s ends")
    assert cut.happened == 1
    assert _events(engine) == ["accept", "claim", "hand_back", "claim", "complete"]
    assert _scalar(engine, "SELECT attempt_limit - attempt FROM jobs") == 2, "no attempt was spent"


def test_a_worker_takes_its_lock_again_when_its_last_connection_is_gone(engine: Engine, proxy: Proxy, start_behind):
    """A new connection finds the lock still held by the old one; the worker beats without it and takes it later."""
    service, _ = start_behind()
    heartbeat = service._parts.heartbeat
    proxy.freeze()
    wait_until(lambda: heartbeat._conn is None, 10, "the beat was given up")
    proxy.pass_on()
    wait_until(lambda: heartbeat._locked, 30, "it holds the lock again")
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
    assert _scalar(engine, held) == 1


def test_a_crash_of_the_database_costs_no_attempt(private_postgres, start_worker, gate, request):
    """One server process killed makes PostgreSQL end every session and recover; its start time stays the same."""
    engine = make_engine(private_postgres.url(), pool_size=3)
    request.addfinalizer(engine.dispose)
    wait_until(lambda: _seconds_up(engine) > GRACE_S + 1, 20, "the database's workers are judged")
    (job,) = accept_many(engine, make_agent(engine), 1)
    start_worker(gate, database=private_postgres.url(), beat_s=BEAT_S, grace_s=GRACE_S)
    wait_until(lambda: gate.started, 20, "started")
    for _ in range(2):
        last_beat = _last_beat(engine)
        os.kill(_scalar(engine, "SELECT pg_backend_pid()"), signal.SIGKILL)
        wait_until(lambda last=last_beat: _beat_again(engine, last), 30, "it beats again")
    gate.open.set()
    wait_until(lambda: state_of(engine, job) == "completed", 10, "completed")
    assert "expire" not in _events(engine)


def _beat_again(engine: Engine, last_beat: float) -> bool:
    try:
        return _last_beat(engine) > last_beat
    except OperationalError:  # it recovers
        return False
