"""The engine end to end: tokens, claims, leases, settlement, on both brokers."""

import pytest
from sqlalchemy import Engine, text

from relais.errors import PermanentError, TransientError
from relais.store.jobs import cancel_job, retry_job
from support.seeding import accept, accept_many, answer, make_agent, new_message, state_of
from support.waiting import wait_until


@pytest.fixture(params=["memory", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest) -> str:
    """Each broker in turn: fakes and real parts pass the same suite."""
    return "memory://" if request.param == "memory" else request.getfixturevalue("amqp_url")


def _finished(engine: Engine, state: str) -> int:
    with engine.begin() as conn:
        return int(conn.execute(text("SELECT count(*) FROM jobs WHERE state = :s"), {"s": state}).scalar_one())


def _row(engine: Engine, columns: str) -> tuple[object, ...]:
    with engine.begin() as conn:
        return tuple(conn.execute(text(f"SELECT {columns} FROM jobs")).one())


def test_every_accepted_message_is_answered_once(engine: Engine, start_worker, broker_url: str):
    """Messages that were only accepted, with no token ever published, are all answered by the sweeper's announcing."""
    ids = accept_many(engine, make_agent(engine), 40)
    start_worker(lambda job, progress: answer(), broker_url=broker_url)
    wait_until(lambda: _finished(engine, "completed") == len(ids), 30, "all completed")
    with engine.begin() as conn:
        counts = conn.execute(text("SELECT count(*), count(DISTINCT message_id), max(attempt) FROM answers")).one()
    assert counts == (40, 40, 1)


def test_a_session_is_answered_in_order(engine: Engine, start_worker, broker_url: str):
    """Twenty messages of one session are answered one by one in their order, with two slots free all the time."""
    agent = make_agent(engine)
    first = accept(engine, [new_message(agent)])[0]
    rest = accept(engine, [new_message(agent, session_id=first.session_id) for _ in range(19)])
    seen = []
    start_worker(lambda job, progress: (seen.append(job.id), answer())[1], broker_url=broker_url)
    wait_until(lambda: _finished(engine, "completed") == 20, 30, "all completed")
    assert seen == [first.message_id, *(row.message_id for row in rest)]


def test_a_transient_failure_is_tried_again_and_then_fails_for_good(engine: Engine, start_worker):
    """Attempts follow one another up to the agent's number; the last failure stays with its reason."""
    accept_many(engine, make_agent(engine, max_attempts=3), 1)

    def fail(job, progress):
        raise TransientError("ollama_unreachable", f"attempt {job.attempt}")

    start_worker(fail)
    wait_until(lambda: _finished(engine, "failed") == 1, 20, "failed")
    assert _row(engine, "attempt, error_code, error") == (3, "ollama_unreachable", "attempt 3")


def test_a_permanent_failure_is_not_tried_again(engine: Engine, start_worker):
    """What can't succeed isn't repeated."""
    accept_many(engine, make_agent(engine), 1)

    def fail(job, progress):
        raise PermanentError("model_missing", "Pull it.")

    start_worker(fail)
    wait_until(lambda: _finished(engine, "failed") == 1, 20, "failed")
    assert _row(engine, "attempt, error_code") == (1, "model_missing")


def test_a_defect_in_a_pipeline_ends_in_a_failure_with_a_name(engine: Engine, start_worker):
    """An exception that nobody foresaw doesn't leave a message hanging."""
    accept_many(engine, make_agent(engine, max_attempts=2), 1, max_attempts=2)
    start_worker(lambda job, progress: 1 / 0)
    wait_until(lambda: _finished(engine, "failed") == 1, 20, "failed")
    assert _row(engine, "attempt, error_code") == (2, "internal_error")


@pytest.mark.parametrize("content", ["a\x00b", "half a surrogate \ud83d"])
def test_an_answer_that_cannot_be_stored_fails_at_once(engine: Engine, start_worker, content: str):
    """An answer that PostgreSQL refuses is a failure with a name; no thread waits for a database that is there."""
    accept_many(engine, make_agent(engine, max_attempts=2), 1, max_attempts=2)
    start_worker(lambda job, progress: answer(content))
    wait_until(lambda: _finished(engine, "failed") == 1, 15, "failed")
    assert _row(engine, "attempt, error_code") == (2, "internal_error")


def test_a_transient_failure_waits_for_its_backoff(engine: Engine, start_worker):
    """The next attempt isn't before `run_at`, which lies about the agent's backoff ahead."""
    accept_many(engine, make_agent(engine, retry_backoff_s=30.0), 1)

    def fail(job, progress):
        raise TransientError("ollama_unreachable", "away")

    start_worker(fail)
    wait_until(lambda: _row(engine, "state, attempt") == ("queued", 1), 20, "back in line")
    (delay,) = _row(engine, "extract(epoch FROM run_at - now())")
    assert 20 < delay < 37


def test_a_cancelled_run_stops_and_its_result_is_dropped(engine: Engine, start_worker, gate):
    """Cancelling takes effect at once for the client, and soon for the worker, which goes on with other work."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    service = start_worker(gate)
    wait_until(lambda: gate.started, 20, "started")
    with engine.begin() as conn:
        assert cancel_job(conn, job)
    assert state_of(engine, job) == "cancelled"
    wait_until(lambda: not service._parts.runs.current(), 10, "the run ended")
    gate.open.set()
    assert state_of(engine, job) == "cancelled"
    assert _finished(engine, "completed") == 0


def test_a_retry_while_the_cancelled_attempt_still_runs_ends_that_one_alone(engine: Engine, start_worker, gate):
    """Both attempts run in one process for a moment: the old one is told to stop, the new one keeps its lease."""
    (job_id,) = accept_many(engine, make_agent(engine), 1)
    ended = []

    def work(job, progress):
        try:
            return gate(job, progress)
        finally:
            ended.append(job.attempt)

    service = start_worker(work)
    wait_until(lambda: gate.started, 10, "the first attempt runs")
    with engine.begin() as conn:
        assert cancel_job(conn, job_id)
        assert retry_job(conn, job_id)
    wait_until(lambda: len(gate.started) == 2, 10, "the second attempt runs")
    wait_until(lambda: ended == [1], 10, "the first attempt stopped")
    runs = service._parts.runs
    wait_until(lambda: [run.job.attempt for run in runs.current()] == [2], 10, "only the second runs")
    gate.open.set()
    wait_until(lambda: _finished(engine, "completed") == 1, 10, "completed")
    wait_until(lambda: not service._parts.runs.current(), 10, "idle")
    assert _row(engine, "attempt") == (2,)


def test_a_lost_lease_is_taken_over_and_the_late_result_is_fenced_off(engine: Engine, start_worker, gate):
    """A worker that finishes late, after another took over, stores nothing; the ledger counts it."""
    accept_many(engine, make_agent(engine), 1)
    service = start_worker(gate, beat_s=60.0, lease_s=1.0)  # it never renews
    wait_until(lambda: len(gate.started) == 2, 20, "taken over")
    gate.open.set()
    wait_until(lambda: _finished(engine, "completed") == 1, 10, "completed")
    wait_until(lambda: not service._parts.runs.current(), 10, "idle")
    with engine.begin() as conn:
        events = [row[0] for row in conn.execute(text("SELECT transition FROM job_events ORDER BY id"))]
        stored = conn.execute(text("SELECT attempt FROM answers")).all()
    assert stored == [(_row(engine, "attempt")[0],)]
    assert "superseded" in events


def test_a_lease_is_renewed_as_long_as_the_work_lives(engine: Engine, start_worker, gate):
    """Work longer than the lease isn't taken away from a living worker."""
    accept_many(engine, make_agent(engine), 1)
    start_worker(gate, beat_s=0.2, lease_s=5.0)
    wait_until(lambda: gate.started, 20, "started")
    with engine.begin() as conn:
        claimed_until = conn.execute(text("SELECT expires_at FROM leases")).scalar_one()

    def renewed_past_two_leases() -> bool:
        with engine.begin() as conn:
            return conn.execute(
                text("SELECT max(expires_at) - :t > interval '6 s' FROM leases"), {"t": claimed_until}
            ).scalar_one()

    wait_until(renewed_past_two_leases, 20, "renewed")
    gate.open.set()
    wait_until(lambda: _finished(engine, "completed") == 1, 10, "completed")
    assert _row(engine, "attempt") == (1,)


def test_a_run_past_its_deadline_is_stopped(engine: Engine, start_worker, gate):
    """A deadline ends an attempt with a reason that says so."""
    accept_many(engine, make_agent(engine, deadline_s=0.5, max_attempts=1), 1, max_attempts=1)
    start_worker(gate)
    wait_until(lambda: _finished(engine, "failed") == 1, 20, "failed")
    assert _row(engine, "error_code") == ("deadline_exceeded",)


def test_a_stopping_worker_hands_unfinished_work_back(engine: Engine, start_worker, gate):
    """SIGTERM's path: what doesn't finish within the drain time goes back unharmed, with its attempt uncounted."""
    accept_many(engine, make_agent(engine), 1)
    first = start_worker(gate, drain_s=0.1)
    wait_until(lambda: gate.started, 20, "started")
    first.stop()
    with engine.begin() as conn:
        events = [row[0] for row in conn.execute(text("SELECT transition FROM job_events ORDER BY id"))]
    assert events[-1] == "hand_back"
    assert _row(engine, "state, attempt, attempt_limit") == ("queued", 1, 4)


def test_watchers_can_read_the_answer_so_far(engine: Engine, start_worker, gate):
    """Generated text is visible before the answer is complete, and gone from the drafts afterwards."""
    accept_many(engine, make_agent(engine), 1)
    start_worker(gate)

    def draft() -> str | None:
        with engine.begin() as conn:
            return conn.execute(text("SELECT content FROM drafts")).scalar_one_or_none()

    assert wait_until(draft, 20, "a draft") == "so far"
    gate.open.set()
    wait_until(lambda: _finished(engine, "completed") == 1, 10, "completed")
    assert draft() is None
