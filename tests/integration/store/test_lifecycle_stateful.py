"""Random interleavings of everything that moves a job, on real PostgreSQL, compared with a naive model after each step.

`make test` runs the same few examples every time. RELAIS_STATEFUL_EXAMPLES=2000 runs that many, new ones each time.
"""

import os
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, text

from relais.store.claim import claim_next
from relais.store.drafts import write_draft
from relais.store.jobs import cancel_jobs, mark_announced, retry_jobs
from relais.store.leases import beat
from relais.store.line import read_lines
from relais.store.pausing import pause_queue, resume_queue
from relais.store.settle import (
    record_superseded,
    settle_completed,
    settle_failed,
    settle_handed_back,
    settle_retry,
    was_recorded,
)
from relais.store.sweep import advance_watermarks, count_eligible, expire_leases
from relais.store.workers import declare_dead, hold_worker_lock
from support.lifecycle_model import LIVE, WAITING, Model, ModelJob
from support.seeding import accept, answer, make_agent, make_worker, new_message

QUEUE = "ai-messages"
HOUR_S = 3600.0  # of silence and of a lease: no example takes so long, so that only the test lets time pass
EXAMPLES = os.environ.get("RELAIS_STATEFUL_EXAMPLES")
PROFILE = settings(
    max_examples=int(EXAMPLES or 30),
    stateful_step_count=50,
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    print_blob=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
R = TypeVar("R")
commits = st.sampled_from([True, True, True, False])
outcomes = st.sampled_from(["complete", "complete", "fail", "retry_later", "hand_back"])
settlements: dict[str, Callable[[Connection, UUID, int], object]] = {
    "complete": lambda conn, job, attempt: settle_completed(conn, job, attempt, answer(f"by {attempt}")),
    "fail": lambda conn, job, attempt: settle_failed(conn, job, attempt, error_code="fail", error="It failed."),
    "retry_later": lambda conn, job, attempt: settle_retry(
        conn, job, attempt, error_code="retry_later", error="Later.", delay_s=HOUR_S
    ),
    "hand_back": settle_handed_back,
}


class Lifecycle(RuleBasedStateMachine):
    """The rules are what clients, publishers, workers, sweepers, people and the passing of time do."""

    engine: Engine
    sessions = Bundle("sessions")
    jobs = Bundle("jobs")
    workers = Bundle("workers")
    attempts = Bundle("attempts")

    @initialize()
    def begin(self) -> None:
        with self.engine.begin() as conn:
            tables = (
                "jobs, messages, sessions, workers, lanes, ticket_holes, job_events, leases, answers, drafts, agents"
            )
            conn.execute(text(f"TRUNCATE {tables} CASCADE"))
        resume_in = self._do(lambda conn: resume_queue(conn, QUEUE))
        assert resume_in is None
        self.model = Model()
        self.agent = make_agent(self.engine)
        self.locks: dict[int, Connection] = {}

    def teardown(self) -> None:
        for conn in getattr(self, "locks", {}).values():
            conn.close()

    def _do(self, act: Callable[[Connection], R], *, commit: bool = True) -> R:
        with self.engine.connect() as conn:
            result = act(conn)
            (conn.commit if commit else conn.rollback)()
        return result

    def _sql(self, statement: str, **values: object) -> None:
        self._do(lambda conn: conn.execute(text(statement), values))

    # --- Clients ---

    @rule(target=jobs, count=st.integers(1, 3), priority=st.sampled_from([0, 0, 5]))
    def accept_alone(self, count: int, priority: int):
        messages = [new_message(self.agent, priority=priority) for _ in range(count)]
        return self._accept(messages, priority)

    @rule(target=sessions)
    def open_session(self) -> UUID:
        message = new_message(self.agent)
        self._accept([message], 0)
        return message.session_id

    @rule(target=jobs, session=sessions, count=st.integers(1, 3), priority=st.sampled_from([0, 5]))
    def accept_in_session(self, session: UUID, count: int, priority: int):
        messages = [new_message(self.agent, session_id=session, priority=priority) for _ in range(count)]
        return self._accept(messages, self.model.lane_of(session, priority))

    def _accept(self, messages, lane: int):
        for accepted in accept(self.engine, messages):
            assert accepted.outcome == "accepted"
            self.model.accept(accepted.message_id, accepted.session_id, lane)
            assert (accepted.priority, accepted.ticket) == self.model.jobs[accepted.message_id].place
        return multiple(*(message.message_id for message in messages))

    @rule(key=st.sampled_from(["a", "b"]), content=st.sampled_from(["same", "other"]))
    def repeat_with_a_key(self, key: str, content: str) -> None:
        known = getattr(self, "keys", {})
        message = new_message(self.agent, content, idempotency_key=key)
        (accepted,) = accept(self.engine, [message])
        if (self.agent, key) not in known:
            self.keys = known | {(self.agent, key): (message.message_id, content)}
            self.model.accept(message.message_id, message.session_id, 0)
            assert accepted.outcome == "accepted"
        else:
            first, first_content = known[self.agent, key]
            assert accepted.message_id == first
            assert accepted.outcome == ("replayed" if content == first_content else "conflict")

    # --- The publisher and people ---

    @rule(job=jobs)
    def announce(self, job: UUID) -> None:
        moved = self._do(lambda conn: mark_announced(conn, [job]))
        self._expect_move(moved, job, {"pending"}, lambda found: found.move("announce", "queued"))

    @rule(job=jobs)
    def cancel(self, job: UUID) -> None:
        self._expect_move(self._do(lambda conn: cancel_jobs(conn, [job])), job, LIVE, self.model.cancel)

    @rule(job=jobs)
    def retry(self, job: UUID) -> None:
        moved = self._do(lambda conn: retry_jobs(conn, [job]))
        self._expect_move(moved, job, {"failed", "cancelled"}, self.model.retry)

    def _expect_move(
        self, moved: list[UUID], job: UUID, sources: set[str], apply: Callable[[ModelJob], object]
    ) -> None:
        found = self.model.jobs[job]
        assert moved == ([job] if found.state in sources else [])
        if moved:
            apply(found)

    @rule(pause=st.booleans())
    def pause_or_resume(self, pause: bool) -> None:
        self._do(lambda conn: (pause_queue if pause else resume_queue)(conn, QUEUE))
        self.model.paused = pause

    # --- Workers ---

    @rule(target=workers)
    def register(self) -> int:
        worker = make_worker(self.engine)
        self.model.add_worker(worker)
        return worker

    @rule(target=attempts, worker=workers, commit=commits)
    def claim(self, worker: int, commit: bool):
        expected = None if self.model.workers[worker].stopped else self.model.first_in_turn()
        job = self._do(lambda conn: claim_next(conn, queue=QUEUE, worker_id=worker, lease_s=HOUR_S), commit=commit)
        assert (job and job.id) == (expected and expected.id)
        if expected is None or not commit:
            return multiple()
        self.model.claim(expected, worker)
        assert (job.attempt, job.attempt_limit) == (expected.attempt, expected.attempt_limit)
        return expected.id, expected.attempt, worker

    @rule(attempt=attempts, how=outcomes, commit=commits)
    def settle(self, attempt: tuple[UUID, int, int], how: str, commit: bool) -> None:
        job, number, worker = attempt

        def act(conn: Connection) -> bool:
            settled = settlements[how](conn, job, number)
            if settled is None:
                record_superseded(conn, job, number, worker)
            return settled is not None

        settled = self._do(act, commit=commit)
        found = self.model.jobs[job]
        held = found.state == "processing" and found.attempt == number
        assert settled is held, "the fence"
        before = self._do(lambda conn: was_recorded(conn, job, number, how)) and not (commit and held)
        if commit:
            assert self.model.settle(found, number, how) is held
        recorded = any(event[0] == how and event[3] == number for event in found.events)
        assert self._do(lambda conn: was_recorded(conn, job, number, how)) is recorded
        assert not before or recorded

    @rule(attempt=attempts)
    def flush_a_draft(self, attempt: tuple[UUID, int, int]) -> None:
        job, number, _ = attempt
        found = self.model.jobs[job]
        written = self._do(lambda conn: write_draft(conn, job, number, "so far"))
        assert written is (found.state == "processing" and found.attempt == number), "the fence"

    @rule(worker=workers, data=st.data())
    def beat(self, worker: int, data: st.DataObject) -> None:
        mine = [(j.id, n) for j in self.model.jobs.values() for n in range(1, j.attempt + 1)]
        running = data.draw(st.lists(st.sampled_from(mine), unique=True, max_size=4)) if mine else []
        reports = self._do(lambda conn: beat(conn, worker_id=worker, lease_s=HOUR_S, running=running))
        found = {(report.job_id, report.attempt): report.standing for report in reports}
        assert found == {key: self._standing(*key, worker) for key in running}
        for job, number in running:
            if found[job, number] == "held":
                self.model.jobs[job].lapsed = False
        self.model.workers[worker].silent = self.model.workers[worker].stopped = False

    def _standing(self, job: UUID, number: int, worker: int) -> str:
        found = self.model.jobs[job]
        if (found.state, found.attempt, found.worker) == ("processing", number, worker):
            return "held"
        return "cancelled" if found.state == "cancelled" else "superseded"

    # --- Time, death, the sweeper ---

    @rule(worker=workers)
    def fall_silent(self, worker: int) -> None:
        self._sql("UPDATE workers SET heartbeat_at = now() - interval '2 hours' WHERE id = :id", id=worker)
        self.model.workers[worker].silent = True

    @rule(worker=workers)
    def take_or_drop_the_lock(self, worker: int) -> None:
        known = self.model.workers[worker]
        known.holds_lock = not known.holds_lock
        if known.holds_lock:
            conn = self.locks[worker] = self.engine.connect()
            assert hold_worker_lock(conn, worker)
            conn.commit()
        else:
            conn = self.locks.pop(worker)
            conn.invalidate()
            conn.close()

    @rule(job=jobs)
    def let_the_lease_lapse(self, job: UUID) -> None:
        self._sql("UPDATE leases SET expires_at = now() - interval '1 s' WHERE job_id = :id", id=job)
        self.model.jobs[job].lapsed = self.model.jobs[job].state == "processing"

    @rule(job=jobs)
    def let_the_backoff_pass(self, job: UUID) -> None:
        self._sql("UPDATE jobs SET run_at = now() WHERE id = :id AND run_at IS NOT NULL", id=job)
        self.model.jobs[job].due = True

    @rule(commit=commits)
    def sweep(self, commit: bool) -> None:
        def act(conn: Connection) -> set[int]:
            dead = declare_dead(conn, silence_s=HOUR_S, grace_s=0.0)
            expire_leases(conn, grace_s=0.0, limit=1_000)
            advance_watermarks(conn)
            return set(dead)

        dead = self._do(act, commit=commit)
        if commit:
            assert dead == self.model.sweep()

    # --- After each step ---

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def the_rows_are_the_models(self) -> None:
        with self.engine.begin() as conn:
            rows = {
                row.id: tuple(row)[1:]
                for row in conn.execute(
                    text("SELECT id, state, attempt, attempt_limit, priority, ticket, worker_id, error_code FROM jobs")
                )
            }
            leases = {tuple(row) for row in conn.execute(text("SELECT job_id, attempt, worker_id FROM leases"))}
            answers = {tuple(row) for row in conn.execute(text("SELECT message_id, attempt, content FROM answers"))}
            drafts = {row[0] for row in conn.execute(text("SELECT job_id FROM drafts"))}
        model = self.model.jobs.values()
        assert rows == {
            j.id: (j.state, j.attempt, j.attempt_limit, j.priority, j.ticket, j.worker, j.error_code) for j in model
        }
        assert leases == {(j.id, j.attempt, j.worker) for j in model if j.state == "processing"}, "one lease an attempt"
        assert answers == {(j.id, j.answered_by, f"by {j.answered_by}") for j in model if j.answered_by}
        assert drafts <= {j.id for j in model if j.state == "processing"}

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def the_ledger_is_the_models(self) -> None:
        events: dict[UUID, list[tuple[object, ...]]] = {}
        with self.engine.begin() as conn:
            columns = "job_id, transition, from_state, to_state, attempt"
            for row in conn.execute(text(f"SELECT {columns} FROM job_events ORDER BY id")):
                events.setdefault(row.job_id, []).append(tuple(row)[1:])
        assert events == {job.id: job.events for job in self.model.jobs.values()}

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def every_position_is_the_naive_count(self) -> None:
        waiting = [job for job in self.model.jobs.values() if job.state in WAITING]
        with self.engine.begin() as conn:
            lines = read_lines(conn)
            eligible = count_eligible(conn, queue=QUEUE, limit=1_000)
        assert lines.waiting(QUEUE) == len(waiting)
        assert {job.id: lines.position(QUEUE, *job.place) for job in waiting} == {
            job.id: self.model.position(job) for job in waiting
        }
        assert eligible == self.model.count_in_turn()


@pytest.mark.timeout(0 if EXAMPLES else 600)
def test_the_store_does_what_the_model_says_whatever_the_order(engine: Engine):
    """Fence, one lease, session order, chain of the ledger, positions: after every step of every interleaving."""
    Lifecycle.engine = engine
    run_state_machine_as_test(Lifecycle, settings=PROFILE)
