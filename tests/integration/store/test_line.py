"""Queue positions against the naive count."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from relais.queues import Kind
from relais.store.backlog import read_backlog
from relais.store.bulk import JobFilter
from relais.store.jobs import cancel_job, retry_job
from relais.store.line import _READ_LANES, read_lines
from relais.store.retention import clean_matching
from relais.store.settle import settle_completed, settle_failed, settle_handed_back, settle_retry
from relais.store.sweep import advance_watermarks
from support.seeding import accept, accept_many, answer, claim, make_agent, make_worker, new_message

ORACLE = text("""
SELECT j.id, j.queue, j.priority, j.ticket, 1 + (
    SELECT count(*) FROM jobs o WHERE o.queue = j.queue AND o.state IN ('pending', 'queued')
    AND (o.priority, o.ticket) < (j.priority, j.ticket)) AS position
FROM jobs j WHERE j.state IN ('pending', 'queued')""")


ENDS = [
    lambda conn, job, attempt: settle_completed(conn, job, attempt, answer()),
    lambda conn, job, attempt: settle_failed(conn, job, attempt, error_code="e", error="E"),
    lambda conn, job, attempt: settle_retry(conn, job, attempt, error_code="e", error="E", delay_s=0),
    lambda conn, job, attempt: settle_retry(conn, job, attempt, error_code="e", error="E", delay_s=60),
    settle_handed_back,
]


def _agrees(engine: Engine) -> int:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        lines = read_lines(conn)
        waiting = conn.execute(ORACLE).all()
    for row in waiting:
        assert lines.position(row.queue, row.priority, row.ticket) == row.position, row
    assert lines.waiting("ai-messages") == len(waiting)
    return len(waiting)


@dataclass
class History:
    """A random history of one line: every step is one thing that happens to a queue."""

    engine: Engine
    chance: random.Random
    agent: UUID
    worker: int
    jobs: list[UUID] = field(default_factory=list)
    sessions: list[UUID] = field(default_factory=list)
    running: dict[UUID, int] = field(default_factory=dict)

    def step(self) -> None:
        chosen = self.chance.choice(
            ["accept"] * 4 + ["claim"] * 3 + ["settle"] * 2 + ["cancel", "retry", "sweep", "move"]
        )
        getattr(self, chosen)()

    def accept(self) -> None:
        session = (
            {"session_id": self.chance.choice(self.sessions)} if self.sessions and self.chance.random() < 0.3 else {}
        )
        row = accept(self.engine, [new_message(self.agent, priority=self.chance.choice([0, 0, 3]), **session)])[0]
        self.jobs.append(row.message_id)
        self.sessions.append(row.session_id)

    def claim(self) -> None:
        if job := claim(self.engine, self.worker):
            self.running[job.id] = job.attempt

    def settle(self) -> None:
        if self.running:
            job_id, attempt = self.running.popitem()
            with self.engine.begin() as conn:
                self.chance.choice(ENDS)(conn, job_id, attempt)

    def cancel(self) -> None:
        self._by_a_person(cancel_job)

    def retry(self) -> None:
        self._by_a_person(retry_job)

    def sweep(self) -> None:
        with self.engine.begin() as conn:
            advance_watermarks(conn)

    def move(self) -> None:
        with self.engine.begin() as conn:
            conn.execute(text("UPDATE jobs SET finished_at = now() - interval '2 hours' WHERE finished_at IS NOT NULL"))
            clean_matching(conn, JobFilter(), keep=None, limit=100)

    def _by_a_person(self, act: Callable[[Connection, UUID], bool]) -> None:
        if self.jobs:
            with self.engine.begin() as conn:
                act(conn, self.chance.choice(self.jobs))


@pytest.mark.parametrize("seed", range(4))
def test_positions_equal_the_naive_count_whatever_happens(engine: Engine, seed: int):
    """Accepts, claims, retries, hand-backs, cancels, failures, persons' retries, sweeps, moves in any order: exact."""
    history = History(engine, random.Random(seed), make_agent(engine), make_worker(engine))
    for number in range(150):
        history.step()
        if number % 5 == 0:
            _agrees(engine)
    assert _agrees(engine) > 0


def test_a_position_survives_the_pruning_of_old_jobs(engine: Engine):
    """The watermark outlives the jobs that it was read from."""
    agent, worker = make_agent(engine), make_worker(engine)
    accept(engine, [new_message(agent) for _ in range(5)])
    for _ in range(3):
        job = claim(engine, worker)
        with engine.begin() as conn:
            settle_completed(conn, job.id, 1, answer())
    with engine.begin() as conn:
        advance_watermarks(conn)
        conn.execute(text("DELETE FROM jobs WHERE state = 'completed'"))
    assert _agrees(engine) == 2


def test_the_line_costs_the_same_however_long_it_is(engine: Engine):
    """Reading the line touches no more blocks with 5,000 waiting than with 50."""
    agent, worker = make_agent(engine), make_worker(engine)

    def blocks() -> int:
        with engine.begin() as conn:
            conn.execute(text("ANALYZE jobs"))
            plan = conn.execute(text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {_READ_LANES.text}")).scalar_one()
        root = plan[0]["Plan"]
        return int(root["Shared Hit Blocks"] + root["Shared Read Blocks"])

    accept(engine, [new_message(agent) for _ in range(50)])
    for _ in range(5):
        claim(engine, worker)
    short = blocks()
    for _ in range(10):
        accept(engine, [new_message(agent) for _ in range(500)])
    assert blocks() <= short + 10


def test_a_person_s_retry_begins_a_new_wait_even_of_a_job_that_nobody_claimed(engine: Engine):
    """Cancelled while it waited and retried days later: it has waited since the retry, not since its acceptance."""
    (job,) = accept_many(engine, make_agent(engine), 1)
    with engine.begin() as conn:
        assert cancel_job(conn, job)
        conn.execute(text("UPDATE jobs SET created_at = now() - interval '4 days'"))
        assert retry_job(conn, job)
    with engine.begin() as conn:
        assert read_backlog(conn).oldest_waiting_s[Kind.ANSWER] < 60
        assert read_lines(conn).waiting("ai-messages") == 1
        assert cancel_job(conn, job)
        assert read_lines(conn).waiting("ai-messages") == 0
