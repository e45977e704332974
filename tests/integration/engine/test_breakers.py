"""A worker whose model server or search index is away: it waits, and its jobs keep their attempts."""

import threading
import time

import pytest
from sqlalchemy import Engine, text

from relais.broker import make_broker
from relais.errors import PartAwayError
from relais.parts import Part
from relais.store.jobs import cancel_job
from support.seeding import accept, accept_many, answer, make_agent, new_message, state_of
from support.soundness import assert_all_threads_well
from support.waiting import wait_until


class Switch:
    """A part that the test switches off and on; its probe, and a pipeline that calls it."""

    def __init__(self, part: Part = Part.OLLAMA, *, off: bool = False) -> None:
        self.part = part
        self.off = off
        self.probes = 0
        self.order: list[str] = []

    def probe(self) -> None:
        self.probes += 1
        self.call(reached=False)

    def call(self, *, reached: bool) -> None:
        if self.off:
            raise PartAwayError(f"{self.part}_unreachable", "away", part=self.part, reached=reached)

    def answer(self, job, progress):
        self.call(reached=False)
        self.order.append(str(job.id))
        return answer()


def _row(engine: Engine, sql: str):
    with engine.begin() as conn:
        return tuple(conn.execute(text(sql)).one())


def _waiting_for(engine: Engine) -> list[str]:
    return _row(engine, "SELECT waiting_for FROM workers WHERE stopped_at IS NULL")[0]


def _states(engine: Engine) -> set[str]:
    with engine.begin() as conn:
        return set(conn.execute(text("SELECT state FROM jobs")).scalars())


def _spent(engine: Engine) -> int:
    """The most attempts that were counted against a job: those handed back raise the limit too."""
    return int(_row(engine, "SELECT max(attempt - (attempt_limit - 3)) FROM jobs")[0])


@pytest.fixture(params=["memory", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else str(request.getfixturevalue("amqp_url"))


def test_jobs_wait_unharmed_while_a_part_is_down_and_run_once_it_is_back(engine: Engine, start_worker, broker_url: str):
    """Only what the worker had in hand when the part went is claimed; nothing is spent, and all run within seconds."""
    part = Switch()
    start_worker(part.answer, broker_url=broker_url, probes={Part.OLLAMA: part.probe})
    agent = make_agent(engine)
    (first,) = accept_many(engine, agent, 1)
    wait_until(lambda: state_of(engine, first) == "completed", 20, "the worker works")
    part.off = True
    accept_many(engine, agent, 8)
    wait_until(lambda: _waiting_for(engine) == ["ollama"], 20, "the heartbeat says what it waits for")
    claims = "SELECT count(*) FROM job_events WHERE transition = 'claim'"
    asked = part.probes
    wait_until(lambda: part.probes > asked + 8, 20, "the part is asked again and again")
    assert _row(engine, claims)[0] <= 1 + 2 * 2, "each of the two threads claimed at most once or twice"
    assert _states(engine) <= {"completed", "pending", "queued"}
    part.off = False
    back_at = time.monotonic()
    wait_until(lambda: _states(engine) == {"completed"}, 20, "all answered")
    assert time.monotonic() - back_at < 5
    assert _spent(engine) == 1
    wait_until(lambda: _waiting_for(engine) == [], 10, "the heartbeat says that it waits no more")


def test_tokens_stay_with_the_broker_while_a_part_is_down(engine: Engine, start_worker, amqp_url: str):
    """A worker that can't do the work holds no token, so that others get them; the sweeper adds none for ever."""
    part = Switch(off=True)
    start_worker(part.answer, broker_url=amqp_url, probes={Part.OLLAMA: part.probe})
    accept_many(engine, make_agent(engine), 6)
    broker = make_broker(amqp_url)
    wait_until(lambda: broker.tokens_ready("ai-messages") >= 6, 20, "every waiting job has its token")
    ready, asked = broker.tokens_ready("ai-messages"), part.probes
    wait_until(lambda: part.probes > asked + 15, 20, "three seconds, thirty sweeps")
    assert ready <= broker.tokens_ready("ai-messages") <= ready + 4
    broker.close()


def test_a_worker_that_starts_while_a_part_is_down_says_so_before_any_job_fails(engine: Engine, start_worker):
    """Parts are asked at the start; then no message has to be the first to find out."""
    part = Switch(off=True)
    service = start_worker(part.answer, probes={Part.OLLAMA: part.probe})
    wait_until(lambda: _waiting_for(engine) == ["ollama"], 10, "it says so")
    (job,) = accept_many(engine, make_agent(engine), 1)
    asked = part.probes
    wait_until(lambda: part.probes > asked + 3, 10, "a while")
    assert state_of(engine, job) in {"pending", "queued"}
    assert_all_threads_well(service)
    part.off = False
    wait_until(lambda: state_of(engine, job) == "completed", 10, "answered")
    assert _row(engine, "SELECT attempt FROM jobs") == (1,)


def test_a_message_that_brings_the_part_down_each_time_comes_to_an_end(engine: Engine, start_worker):
    """Its request was under way when the part died: that attempt counts, or it would kill the part for ever."""
    part = Switch()

    def kill(job, progress):
        part.off = True
        threading.Timer(0.3, lambda: setattr(part, "off", False)).start()
        part.call(reached=True)

    start_worker(kill, probes={Part.OLLAMA: part.probe})
    (poison,) = accept_many(engine, make_agent(engine), 1)
    wait_until(lambda: state_of(engine, poison) == "failed", 30, "three attempts, then no more")
    assert _row(engine, "SELECT attempt, attempt_limit, error_code FROM jobs") == (3, 3, "ollama_unreachable")


def test_a_part_that_answers_the_probe_leaves_the_failure_to_the_job(engine: Engine, start_worker):
    """The probe decides: one job's failed request keeps nobody else waiting, and spends that job's attempts."""

    def work(job, progress):
        if job.subject_id == unlucky:
            raise PartAwayError("ollama_timeout", "silent", part=Part.OLLAMA, reached=False)
        return answer()

    agent = make_agent(engine)
    unlucky, *others = accept_many(engine, agent, 5)
    start_worker(work, probes={Part.OLLAMA: Switch().probe})
    wait_until(lambda: state_of(engine, unlucky) == "failed", 20, "its attempts are spent")
    wait_until(lambda: {state_of(engine, job) for job in others} == {"completed"}, 20, "the others are answered")


def test_an_attempt_that_runs_out_of_time_has_the_parts_asked(engine: Engine, start_worker):
    """A part that hangs shows only as time that passes; the attempt is spent, and the next jobs wait."""
    part = Switch()

    def hang(job, progress):
        part.off = True
        while True:
            threading.Event().wait(0.05)
            progress.check()

    start_worker(hang, probes={Part.OLLAMA: part.probe})
    accept_many(engine, make_agent(engine, deadline_s=3.0), 4)
    wait_until(lambda: _waiting_for(engine) == ["ollama"], 20, "the worker waits")
    attempts = "SELECT sum(attempt), max(attempt) FROM jobs"
    wait_until(lambda: "processing" not in _states(engine), 10, "those in hand have ended")
    assert _row(engine, attempts) == (2, 1), "the two that ran when it hung"


def test_with_both_parts_down_the_worker_waits_for_both(engine: Engine, start_worker):
    """It goes on when the last of them is back, not the first."""
    models, index = Switch(off=True), Switch(Part.QDRANT, off=True)
    start_worker(models.answer, probes={Part.OLLAMA: models.probe, Part.QDRANT: index.probe})
    wait_until(lambda: _waiting_for(engine) == ["ollama", "qdrant"], 10, "both")
    (job,) = accept_many(engine, make_agent(engine), 1)
    models.off = False
    wait_until(lambda: _waiting_for(engine) == ["qdrant"], 10, "one is back")
    asked = index.probes
    wait_until(lambda: index.probes > asked + 3, 10, "a while")
    assert state_of(engine, job) in {"pending", "queued"}
    index.off = False
    wait_until(lambda: state_of(engine, job) == "completed", 10, "answered")


def test_a_part_that_comes_and_goes_spends_no_attempt_and_loses_nothing(engine: Engine, start_worker, broker_url: str):
    """Five outages while messages wait: each is answered once, with at most the attempts that were handed back."""
    part = Switch()
    start_worker(part.answer, broker_url=broker_url, probes={Part.OLLAMA: part.probe})
    agent = make_agent(engine)
    for round_ in range(5):
        part.off = True
        accept_many(engine, agent, 3)
        wait_until(lambda: _waiting_for(engine) == ["ollama"], 20, f"down, round {round_}")
        part.off = False
        wait_until(lambda: _waiting_for(engine) == [], 20, f"up, round {round_}")
    wait_until(lambda: _states(engine) == {"completed"}, 30, "all answered")
    assert _spent(engine) <= 2, "a probe may find the part back that refused the job a moment before"
    assert len(part.order) == len(set(part.order)) == 15


def test_a_worker_that_waits_stops_promptly_and_in_order(engine: Engine, start_worker):
    """SIGTERM during an outage has nothing to drain; the worker says goodbye."""
    part = Switch(off=True)
    service = start_worker(part.answer, probes={Part.OLLAMA: part.probe}, drain_s=60)
    accept_many(engine, make_agent(engine), 4)
    wait_until(lambda: _waiting_for(engine) == ["ollama"], 10, "it waits")
    stopping = threading.Thread(target=service.stop, daemon=True)
    stopping.start()
    stopping.join(10)
    assert not stopping.is_alive()
    assert _row(engine, "SELECT count(*) FROM workers WHERE stopped_at IS NULL") == (0,)
    assert _states(engine) <= {"pending", "queued"}


def test_what_waits_can_be_cancelled_and_sessions_keep_their_order(engine: Engine, start_worker):
    """During an outage a message can be cancelled; afterwards the session's next ones run in the order they came."""
    part = Switch(off=True)
    start_worker(part.answer, probes={Part.OLLAMA: part.probe})
    agent = make_agent(engine)
    head = new_message(agent)
    accept(engine, [head])
    tail = [new_message(agent, session_id=head.session_id) for _ in range(3)]
    accept(engine, tail)
    wait_until(lambda: _waiting_for(engine) == ["ollama"], 10, "it waits")
    with engine.begin() as conn:
        assert cancel_job(conn, tail[0].message_id)
    part.off = False
    wait_until(lambda: _states(engine) == {"completed", "cancelled"}, 20, "all ended")
    assert part.order == [str(message.message_id) for message in (head, tail[1], tail[2])]


def test_a_job_that_runs_when_a_breaker_opens_is_not_disturbed(engine: Engine, start_worker, amqp_url: str, gate):
    """It finishes although its worker takes no tokens any more, and its thread is free for the next at once."""
    part = Switch()

    def work(job, progress):
        if job.subject_id == long_one:
            return gate(job, progress)
        return part.answer(job, progress)

    agent = make_agent(engine)
    (long_one,) = accept_many(engine, agent, 1)
    start_worker(work, broker_url=amqp_url, probes={Part.OLLAMA: part.probe})
    wait_until(lambda: gate.started, 20, "it runs")
    part.off = True
    accept_many(engine, agent, 4)
    wait_until(lambda: _waiting_for(engine) == ["ollama"], 20, "the worker waits")
    asked = part.probes
    wait_until(lambda: part.probes > asked + 8, 20, "the consumers have let go")
    gate.open.set()
    wait_until(lambda: state_of(engine, long_one) == "completed", 10, "finished")
    part.off = False
    wait_until(lambda: _states(engine) == {"completed"}, 8, "all answered")
