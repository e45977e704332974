"""The watchdog in a real process: a thread that died or hangs ends the process, and costs nobody else anything."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, text

from relais.broker.memory import MemoryBroker
from relais_cli.embedded.services import Vital
from relais_cli.embedded.stopping import StopRequests
from relais_cli.embedded.whole import _watch
from relais_cli.errors import CliError
from relais_cli.parts.home import Home
from support.seeding import accept_many, answer, make_agent
from support.soundness import assert_all_threads_well
from support.waiting import wait_until
from support.worker_process import DEAF_S, STUCK_S

TESTS = Path(__file__).parents[2]


@pytest.fixture
def start_process(database_url: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `support.worker_process`; killed at the end if it still runs."""
    started = []

    def start(*arguments: str, **settings: str) -> subprocess.Popen[str]:
        env = os.environ | {
            "PYTHONPATH": str(TESTS),
            "RELAIS_DATABASE_URL": database_url,
            "RELAIS_BROKER_URL": "memory://",
            "RELAIS_QDRANT_URL": str(tmp_path / "qdrant"),
            "RELAIS_DRAIN_TIMEOUT_S": "1",
            **settings,
        }
        command = [sys.executable, "-m", "support.worker_process", *arguments]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _processing(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(conn.execute(text("SELECT count(*) FROM jobs WHERE state = 'processing'")).scalar_one())


def _last_event(engine: Engine, job: object) -> tuple[str, str | None]:
    with engine.begin() as conn:
        found = conn.execute(
            text("SELECT transition, error_code FROM job_events WHERE job_id = :job ORDER BY id DESC LIMIT 1"),
            {"job": job},
        )
        return tuple(found.one())


def test_an_attempt_whose_thread_does_not_come_back_ends_the_process(engine: Engine, start_process):
    """Stuck past its deadline and the grace: the log names thread, job and remedy, and the status is 1.

    A job beside it is handed back unharmed, and the stuck one is recorded as out of time.
    """
    (polite,) = accept_many(engine, make_agent(engine), 1)
    (stuck,) = accept_many(engine, make_agent(engine, deadline_s=STUCK_S, retry_backoff_s=60.0), 1)
    # Long enough that a machine that is busy doesn't pass for a deaf process (twice the grace), which ends unlogged.
    process = start_process(RELAIS_WATCHDOG_GRACE_S="3")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "watchdog.defect" in said
    assert f"job={stuck}" in said
    assert "thread=Thread-" in said
    assert "remedy=" in said
    assert "stubborn" in said, "a thread that is no daemon can't keep the process"
    assert _last_event(engine, polite) == ("hand_back", None)
    assert _last_event(engine, stuck) == ("retry_later", "deadline_exceeded")
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM workers WHERE stopped_at IS NULL")).scalar_one() == 0


def test_code_that_keeps_pythons_global_lock_ends_the_process_too(engine: Engine, start_process):
    """No thread of Python runs any more, the watchdog's neither: the timer in C ends the process."""
    accept_many(engine, make_agent(engine, deadline_s=DEAF_S), 1)
    process = start_process(RELAIS_WATCHDOG_GRACE_S="2")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "misbehave" in said, "the traceback shows where"


def test_code_that_keeps_the_lock_before_the_start_came_back_ends_the_process_no_later(engine: Engine, start_process):
    """A message that waits is taken while the worker still starts: it gets no minute more than any other."""
    accept_many(engine, make_agent(engine, deadline_s=DEAF_S), 1)
    process = start_process("slow-start", RELAIS_WATCHDOG_GRACE_S="2")
    said, _ = process.communicate(timeout=45)
    assert process.returncode == 1, said
    assert "misbehave" in said, "the traceback shows where"


def test_a_worker_told_twice_to_stop_loses_nothing(engine: Engine, start_process):
    """Another SIGTERM neither hurries nor hangs it: the job goes back with its attempt uncounted; the status is 0."""
    (job,) = accept_many(engine, make_agent(engine), 1)
    process = start_process()
    wait_until(lambda: _processing(engine) == 1, 30, "it works")
    process.terminate()
    process.terminate()
    wait_until(lambda: _processing(engine) == 0, 30, "handed back")
    process.terminate()
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert _last_event(engine, job) == ("hand_back", None)
    with engine.begin() as conn:
        assert conn.execute(text("SELECT attempt, attempt_limit FROM jobs")).one() == (1, 4)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_of_dramatiq_that_dies_is_found(engine: Engine, start_worker):
    """An exception raised into a waiting thread ends it for good (dramatiq #445); the worker doesn't pass for alive."""
    service = start_worker(lambda job, progress: answer())
    victim = service._worker.workers[0]
    assert_all_threads_well(service)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(victim.ident), ctypes.py_object(KeyboardInterrupt))
    wait_until(lambda: not victim.is_alive(), 10, "the thread died")
    wait_until(lambda: not service.alive, 10, "the watchdog knows")


def test_a_consumer_that_rabbitmq_never_answers_is_found(start_worker, monkeypatch):
    """It would take no token any more, and look alive; the worker ends and is started anew."""
    service = start_worker(lambda job, progress: answer())
    assert_all_threads_well(service)
    monkeypatch.setattr(MemoryBroker, "consumer_busy_s", lambda _, queue: 121.0 if queue == "documents" else 0.0)
    wait_until(lambda: not service.alive, 10, "the watchdog knows")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_relais_up_ends_when_a_thread_of_its_worker_died(start_worker, tmp_path: Path):
    """In one process nobody starts the worker anew: the whole ends in order and says what to do."""
    service = start_worker(lambda job, progress: answer())
    nothing = SimpleNamespace(look=lambda: None)
    run = SimpleNamespace(requests=StopRequests(), supervisor=nothing, given=SimpleNamespace(home=Home(tmp_path)))
    victim = service._worker.workers[0]
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(victim.ident), ctypes.py_object(KeyboardInterrupt))
    with pytest.raises(CliError, match=r"Worker ended by itself .*: start again with `relais up`"):
        _watch(run, [Vital("Worker", service)])
