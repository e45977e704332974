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
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, text

from relais.lifecycle import TERMINAL, State
from relais.store.accept import NewMessage
from relais.store.bulk import JobFilter
from relais.store.claim import claim_next
from relais.store.drafts import write_draft
from relais.store.jobs import cancel_jobs, mark_announced, retry_jobs
from relais.store.leases import beat
from relais.store.line import read_lines
from relais.store.pausing import pause_agent, pause_queue, resume_agent, resume_queue
from relais.store.retention import clean_matching
from relais.store.settle import (
    record_superseded,
    settle_completed,
    settle_failed,
    settle_handed_back,
    settle_retry,
    was_recorded,
)
from relais.store.sweep import advance_watermarks, count_eligible, expire_leases
from relais.store.unlocking import find_held, unlock_jobs
from relais.store.workers import declare_dead, hold_worker_lock
from support.lifecycle_model import LIVE, WAITING, Model, ModelJob, Settlement
from support.seeding import accept, answer, make_agent, make_worker, new_message
from support.waiting import wait_until
from support.worker_locks import lock_backends

QUEUE = "ai-messages"
HOUR_S = 3600.0  # of silence and of a lease: no example takes so long, so that only the test lets time pass
EXAMPLES = os.environ.get("RELAIS_STATEFUL_EXAMPLES")
PROFILE = settings(
    max_examples=int(EXAMPLES or 40),
    stateful_step_count=50,
    derandomize=EXAMPLES is None,
    database=None,
    print_blob=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
R = TypeVar("R")
WORKERS, SESSIONS = 3, 3
TABLES = (
    "jobs, past_jobs, messages, sessions, workers, lanes, ticket_holes, job_events, leases, answers, drafts, agents"
)
JOB_COLUMNS = "id, state, attempt, attempt_limit, priority, ticket, worker_id, error_code"
LONG_AGO = "now() - interval '2 hours'"
numbers = st.integers(0, 8)
commits = st.sampled_from([True, True, True, False])
outcomes = st.sampled_from(["retry_later", "complete", "fail", "complete", "hand_back"])
settlements: dict[str, Callable[[Connection, UUID, int], object]] = {
    "complete": lambda conn, job, attempt: settle_completed(conn, job, attempt, answer(f"by {attempt}")),
    "fail": lambda conn, job, attempt: settle_failed(conn, job, attempt, error_code="fail", error="It failed."),
    "retry_later": lambda conn, job, attempt: settle_retry(
        conn, job, attempt, error_code="retry_later", error="Later.", delay_s=HOUR_S
    ),
    "hand_back": settle_handed_back,
}


class Lifecycle(RuleBasedStateMachine):
    """The rules are what clients, publishers, workers, sweepers, people and the passing of time do.

    Rules choose by numbers, counted from the newest, so that each has something to act on at any time.
    """

    engine: Engine

    @initialize()
    def begin(self) -> None:
        with self.engine.begin() as conn:
            conn.execute(text(f"TRUNCATE {TABLES} CASCADE"))
            resume_queue(conn, QUEUE)
        self.model = Model()
        self.slug = "stateful"
        self.agent = make_agent(self.engine, slug=self.slug)
        self.sessions: list[UUID] = []
        self.attempts: list[tuple[UUID, int, int]] = []
        self.keys: dict[str, tuple[UUID, str]] = {}
        self.locks: dict[int, Connection] = {}
        for _ in range(WORKERS):
            self.model.add_worker(make_worker(self.engine))
        for _ in range(SESSIONS):
            message = new_message(self.agent)
            self._accept([message], 0)
            self._accept([new_message(self.agent, session_id=message.session_id)], 0)  # waits for the first
            self.sessions.append(message.session_id)

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

    def _job(self, number: int) -> ModelJob:
        jobs = list(self.model.jobs.values())
        return jobs[-1 - number % len(jobs)]

    def _worker(self, number: int) -> int:
        return list(self.model.workers)[number % WORKERS]

    # --- Clients ---

    @rule(session=st.integers(0, SESSIONS), count=st.integers(1, 2), priority=st.sampled_from([0, 0, 5]))
    def accept(self, session: int, count: int, priority: int) -> None:
        if session == SESSIONS:  # each in a session of its own
            self._accept([new_message(self.agent, priority=priority) for _ in range(count)], priority)
        else:
            known = self.sessions[session]
            lane = self.model.lane_of(known, priority)
            messages = [new_message(self.agent, session_id=known, priority=priority) for _ in range(count)]
            self._accept(messages, lane)

    def _accept(self, messages: list[NewMessage], lane: int) -> None:
        for accepted in accept(self.engine, messages):
            assert accepted.outcome == "accepted"
            self.model.accept(accepted.message_id, accepted.session_id, lane)
            assert (accepted.priority, accepted.ticket) == self.model.jobs[accepted.message_id].place

    @rule(key=st.sampled_from(["a", "b"]), content=st.sampled_from(["same", "other"]))
    def repeat_with_a_key(self, key: str, content: str) -> None:
        message = new_message(self.agent, content, idempotency_key=key)
        if key not in self.keys:
            self.keys[key] = message.message_id, content
            self._accept([message], 0)
            return
        (accepted,) = accept(self.engine, [message])
        first, first_content = self.keys[key]
        assert accepted.message_id == first
        assert accepted.outcome == ("replayed" if content == first_content else "conflict")

    # --- The publisher and people ---

    @rule(number=numbers)
    def announce(self, number: int) -> None:
        job = self._job(number).id
        moved = self._do(lambda conn: mark_announced(conn, [job]))
        self._expect_move(moved, job, {"pending"}, lambda found: found.move("announce", "queued"))

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        job = self._job(number).id
        moved = self._do(lambda conn: cancel_jobs(conn, [job]))
        self._expect_move(moved, job, LIVE, self.model.cancel)

    @rule(number=numbers)
    def retry(self, number: int) -> None:
        job = self._job(number).id
        moved = self._do(lambda conn: retry_jobs(conn, [job]))
        self._expect_move(moved, job, {"failed", "cancelled"}, self.model.retry)

    @rule(number=numbers, force=st.sampled_from([False, False, True]))
    def unlock(self, number: int, force: bool) -> None:
        found = self._job(number)
        held = self._do(lambda conn: find_held(conn, JobFilter(ids=(found.id,)), silent_after_s=HOUR_S))
        assert bool(held) is (found.state == "processing")
        if held:
            assert (held[0].refusal() is None) is self.model.unlocks(found, force=False)
            assert (held[0].loose is not None) is self.model.is_loose(found)
        moved = self._do(lambda conn: unlock_jobs(conn, [found.id], force=force, silent_after_s=HOUR_S))
        assert moved == ([found.id] if self.model.unlocks(found, force=force) else [])
        if moved:
            self.model.unlock(found)

    def _expect_move(
        self, moved: list[UUID], job: UUID, sources: set[str], apply: Callable[[ModelJob], object]
    ) -> None:
        found = self.model.jobs[job]
        assert moved == ([job] if found.state in sources else [])
        if moved:
            apply(found)

    @rule(pause=st.sampled_from([False, False, True]))
    def pause_or_resume(self, pause: bool) -> None:
        self._do(lambda conn: (pause_queue if pause else resume_queue)(conn, QUEUE))
        self.model.paused = pause

    @rule(pause=st.sampled_from([False, False, True]))
    def pause_or_resume_the_agent(self, pause: bool) -> None:
        self._do(lambda conn: (pause_agent if pause else resume_agent)(conn, self.slug))
        self.model.agent_paused = pause

    # --- Workers ---

    @rule(who=numbers, times=st.integers(1, 4), commit=commits)
    def claim(self, who: int, times: int, commit: bool) -> None:
        """One worker after another claims."""
        for turn in range(times):
            self._claim(self._worker(who + turn), commit=commit)

    @rule(who=numbers, how=outcomes)
    def claim_and_settle(self, who: int, how: Settlement) -> None:
        """What a worker does most of the time."""
        if self._claim(self._worker(who), commit=True):
            self._settle(*self.attempts[-1], how, commit=True)

    def _claim(self, worker: int, *, commit: bool) -> bool:
        expected = None if self.model.workers[worker].stopped else self.model.first_in_turn()
        job = self._do(lambda conn: claim_next(conn, queue=QUEUE, worker_id=worker, lease_s=HOUR_S), commit=commit)
        assert (job and job.id) == (expected and expected.id)
        if expected is None or job is None or not commit:
            return False
        self.model.claim(expected, worker)
        assert (job.attempt, job.attempt_limit) == (expected.attempt, expected.attempt_limit)
        self.attempts.append((expected.id, expected.attempt, worker))
        return True

    @precondition(lambda self: self.attempts)
    @rule(which=numbers, how=outcomes, commit=commits)
    def settle(self, which: int, how: Settlement, commit: bool) -> None:
        self._settle(*self.attempts[-1 - which % len(self.attempts)], how, commit=commit)

    def _settle(self, job: UUID, number: int, worker: int, how: Settlement, *, commit: bool) -> None:
        def act(conn: Connection) -> bool:
            settled = settlements[how](conn, job, number)
            if settled is None:
                record_superseded(conn, job, number, worker)
            return settled is not None

        settled = self._do(act, commit=commit)
        found = self.model.jobs[job]
        held = found.state == "processing" and found.attempt == number
        assert settled is held, "the fence"
        if commit:
            assert self.model.settle(found, number, how) is held
        recorded = any(event[0] == how and event[3] == number for event in found.events)
        assert self._do(lambda conn: was_recorded(conn, job, number, how)) is recorded

    @precondition(lambda self: self.attempts)
    @rule(which=numbers)
    def flush_a_draft(self, which: int) -> None:
        job, number, _ = self.attempts[-1 - which % len(self.attempts)]
        found = self.model.jobs[job]
        written = self._do(lambda conn: write_draft(conn, job, number, "so far"))
        assert written is (found.state == "processing" and found.attempt == number), "the fence"

    @rule(who=numbers, whose=numbers)
    def beat(self, who: int, whose: int) -> None:
        """A worker reports all that it ever claimed, or, wrongly, what another did."""
        worker, claimer = self._worker(who), self._worker(whose)
        running = [(job, number) for job, number, claimed_by in self.attempts if claimed_by == claimer]
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

    @rule(who=numbers)
    def fall_silent(self, who: int) -> None:
        worker = self._worker(who)
        self._sql("UPDATE workers SET heartbeat_at = now() - interval '2 hours' WHERE id = :id", id=worker)
        self.model.workers[worker].silent = True

    @rule(who=numbers)
    def take_or_drop_the_lock(self, who: int) -> None:
        worker = self._worker(who)
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
            wait_until(lambda: not self._do(lambda reader: lock_backends(reader, worker)), 20, "the server has let go")

    @precondition(lambda self: self.attempts)
    @rule(which=numbers)
    def let_the_lease_lapse(self, which: int) -> None:
        job = self.model.jobs[self.attempts[-1 - which % len(self.attempts)][0]]
        self._sql("UPDATE leases SET expires_at = now() - interval '1 s' WHERE job_id = :id", id=job.id)
        job.lapsed = job.state == "processing"

    @rule(number=numbers)
    def let_the_backoff_pass(self, number: int) -> None:
        job = self._job(number)
        self._sql("UPDATE jobs SET run_at = now() WHERE id = :id AND run_at IS NOT NULL", id=job.id)
        job.due = True

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

    @rule(state=st.sampled_from([None, *sorted(TERMINAL)]), keep=st.sampled_from([None, None, 1]), commit=commits)
    def move_what_ended(self, state: State | None, keep: int | None, commit: bool) -> None:
        """Nothing that anybody can tell changes by it."""
        self._sql(f"UPDATE jobs SET finished_at = {LONG_AGO} WHERE finished_at > {LONG_AGO}")
        which = JobFilter(state=state)
        moved = self._do(lambda conn: clean_matching(conn, which, keep=keep, limit=100), commit=commit)
        assert {self.model.jobs[job].state for job in moved} <= ({state} if state else TERMINAL)

    # --- After each step ---

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def the_rows_are_the_models(self) -> None:
        with self.engine.begin() as conn:
            rows = {row.id: tuple(row)[1:] for row in conn.execute(text(f"SELECT {JOB_COLUMNS} FROM every_job"))}
            assert conn.execute(text("SELECT count(*) FROM every_job")).scalar_one() == len(rows), "each in one table"
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
