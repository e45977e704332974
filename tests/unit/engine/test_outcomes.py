"""How a failure is classified, and when it is tried again."""

from types import SimpleNamespace
from uuid import uuid4

import psycopg.errors
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.errors import PermanentError, RunAborted, TransientError
from relais.store.claim import ClaimedJob
from relais_worker.engine.outcomes import Dropped, Failed, HandedBack, RetryLater, backoff_s, outcome_of_error
from relais_worker.engine.runs import Abort, Run


def _job(*, attempt: int = 1, attempt_limit: int = 3, backoff: float = 30.0, deadline_s: float = 300.0) -> ClaimedJob:
    ids = [uuid4() for _ in range(4)]
    return ClaimedJob(
        id=ids[0], kind="answer", queue="ai-messages", agent_id=ids[1], subject_id=ids[2], serial_key=ids[3],
        attempt=attempt, attempt_limit=attempt_limit, deadline_s=deadline_s, retry_backoff_s=backoff, max_attempts=3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("error", "attempt", "expected"),
    [
        (TransientError("ollama_unreachable", "away"), 1, RetryLater),
        (TransientError("ollama_unreachable", "away"), 3, Failed),
        (PermanentError("model_missing", "pull it"), 1, Failed),
        (RunAborted("cancelled"), 1, Dropped),
        (RunAborted("superseded"), 1, Dropped),
        (RunAborted("draining"), 3, HandedBack),
        (OperationalError("SELECT", {}, psycopg.OperationalError("the connection broke")), 3, HandedBack),
        (OperationalError("SELECT", {}, psycopg.errors.AdminShutdown()), 3, HandedBack),
        (OperationalError("SELECT", {}, psycopg.errors.QueryCanceled()), 1, RetryLater),
        (OperationalError("SELECT", {}, psycopg.errors.DiskFull()), 1, RetryLater),
        (PoolTimeoutError(), 1, RetryLater),
        (ZeroDivisionError(), 1, RetryLater),
        (ZeroDivisionError(), 3, Failed),
    ],
)
def test_every_failure_has_one_outcome(error: Exception, attempt: int, expected: type):
    """Transient failures are retried while attempts last, permanent ones never, aborted runs write nothing.

    A database that was away is nobody's failure: the job goes back, its attempt uncounted, even the last one.
    """
    assert type(outcome_of_error(_job(attempt=attempt), error)) is expected


@pytest.mark.parametrize(
    ("attempt", "limit", "nominal_s"), [(1, 3, 30), (2, 3, 60), (3, 4, 60), (5, 7, 30), (20, 40, 30)]
)
def test_the_backoff_doubles_and_starts_again_after_a_retry_by_a_person(attempt: int, limit: int, nominal_s: float):
    """30 s, 60 s, … with a fifth of jitter, counted from the last time that a person put the job back."""
    for _ in range(50):
        assert 0.8 * nominal_s <= backoff_s(_job(attempt=attempt, attempt_limit=limit)) <= 1.2 * nominal_s


def test_a_run_stops_by_the_first_reason_it_was_given():
    """A cancelled run that also drains is a cancelled run."""
    run = Run(_job(), stall_s=60, flush=lambda text: None)
    run.abort(Abort.CANCELLED)
    run.abort(Abort.DRAINING)
    with pytest.raises(RunAborted, match="cancelled"):
        run.check()


def test_a_run_that_is_being_settled_is_left_alone():
    """An order to stop that comes after the work is done doesn't undo it."""
    run = Run(_job(), stall_s=60, flush=lambda text: None)
    assert run.begin_settling() is None
    run.abort(Abort.DRAINING)
    assert run.aborted is None


def test_a_run_without_a_sign_of_life_is_stalled():
    """Silence beyond the limit ends an attempt, so that a hung call can't hold its lease for ever."""
    run = Run(_job(), stall_s=-1, flush=lambda text: None)
    with pytest.raises(TransientError, match="no progress"):
        run.check()


def test_a_run_past_its_deadline_says_so():
    """The deadline is the agent's."""
    run = Run(_job(deadline_s=0.0), stall_s=60, flush=lambda text: None)
    assert run.remaining_s() == 0
    with pytest.raises(TransientError, match="deadline"):
        run.check()


def test_text_is_flushed_whole_and_not_at_every_token():
    """Watchers get the text so far, at intervals."""
    flushed: list[str] = []
    run = Run(_job(), stall_s=60, flush=flushed.append, flush_every_s=1000)
    for word in ("one ", "two ", "three"):
        run.write(word)
    assert flushed == ["one "]
    eager = Run(_job(), stall_s=60, flush=flushed.append, flush_every_s=0)
    for word in ("one ", "two"):
        eager.write(word)
    assert flushed[1:] == ["one ", "one two"]


def test_the_first_text_is_flushed_at_once_on_a_machine_that_has_just_booted(monkeypatch):
    """The monotonic clock begins with the machine; text isn't held back until it has gone as far as an interval."""
    monkeypatch.setattr("relais_worker.engine.runs.time", SimpleNamespace(monotonic=lambda: 5.0))
    flushed: list[str] = []
    run = Run(_job(), stall_s=60, flush=flushed.append, flush_every_s=1000)
    run.write("one ")
    assert flushed == ["one "]
