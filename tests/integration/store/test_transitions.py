"""Every arrow against every state, on the real statements; the fence; the ledger."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from relais.lifecycle import TRANSITIONS, State
from relais.store.drafts import write_draft
from relais.store.jobs import cancel_job, mark_announced, retry_job
from relais.store.settle import settle_completed, settle_failed, settle_handed_back, settle_retry
from relais.store.sweep import expire_leases
from relais.store.unlocking import unlock_jobs
from support.seeding import accept_many, answer, claim, make_agent, make_worker, state_of

Move = Callable[[Connection, UUID, int], object]


def _expire(conn: Connection, job_id: UUID, _attempt: int) -> object:
    conn.execute(text("UPDATE leases SET expires_at = now() - interval '1 s' WHERE job_id = :id"), {"id": job_id})
    return expire_leases(conn, grace_s=0, limit=10)


def _expire_spent(conn: Connection, job_id: UUID, attempt: int) -> object:
    conn.execute(text("UPDATE jobs SET attempt_limit = greatest(attempt, 1) WHERE id = :id"), {"id": job_id})
    return _expire(conn, job_id, attempt)


MOVES: dict[str, Move] = {
    "announce": lambda conn, job, _: mark_announced(conn, [job]),
    "complete": lambda conn, job, attempt: settle_completed(conn, job, attempt, answer()),
    "fail": lambda conn, job, attempt: settle_failed(conn, job, attempt, error_code="e", error="E"),
    "retry_later": lambda conn, job, attempt: settle_retry(conn, job, attempt, error_code="e", error="E", delay_s=0),
    "hand_back": settle_handed_back,
    "expire": _expire,
    "expire_spent": _expire_spent,
    "unlock": lambda conn, job, _: unlock_jobs(conn, [job], force=True),
    "cancel": lambda conn, job, _: cancel_job(conn, job),
    "retry": lambda conn, job, _: retry_job(conn, job),
}
WAYS: dict[State, tuple[str, ...]] = {  # how to bring a job into a state by its own arrows
    State.PENDING: (),
    State.QUEUED: ("announce",),
    State.PROCESSING: ("claim",),
    State.COMPLETED: ("claim", "complete"),
    State.FAILED: ("claim", "fail"),
    State.CANCELLED: ("cancel",),
}


def _take(engine: Engine, name: str, job: UUID, worker: int) -> None:
    if name == "claim":
        claim(engine, worker)
        return
    with engine.begin() as conn:
        attempt = conn.execute(text("SELECT attempt FROM jobs WHERE id = :id"), {"id": job}).scalar_one()
        MOVES[name](conn, job, attempt)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("arrow", TRANSITIONS[1:], ids=lambda arrow: arrow.name)
def test_an_arrow_moves_a_job_from_its_sources_and_leaves_it_elsewhere(engine: Engine, arrow, state: State):
    """The statements agree with the lifecycle: the right states move and are logged, all others stay untouched."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    worker = make_worker(engine)
    for step in WAYS[state]:
        _take(engine, step, job, worker)
    assert state_of(engine, job) == state
    with engine.begin() as conn:
        before = conn.execute(text("SELECT count(*) FROM job_events")).scalar_one()
    _take(engine, arrow.name, job, worker)
    assert state_of(engine, job) == (arrow.target if arrow.allows(state) else state)
    with engine.begin() as conn:
        logged = conn.execute(text("SELECT transition, from_state, to_state FROM job_events ORDER BY id")).all()[
            before:
        ]
    assert logged == ([(arrow.name, state, arrow.target)] if arrow.allows(state) else [])


@pytest.mark.parametrize("name", ["complete", "fail", "retry_later", "hand_back"])
def test_a_superseded_attempt_writes_nothing(engine: Engine, name: str):
    """A worker that was presumed dead and returns finds its attempt superseded: neither state nor answer changes."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    worker = make_worker(engine)
    claim(engine, worker)
    with engine.begin() as conn:
        _expire(conn, job, 1)
    claim(engine, worker)
    with engine.begin() as conn:
        assert MOVES[name](conn, job, 1) is None
        assert conn.execute(text("SELECT state, attempt FROM jobs")).one() == ("processing", 2)
        assert conn.execute(text("SELECT count(*) FROM answers")).scalar_one() == 0
        assert conn.execute(text("SELECT attempt FROM leases")).scalar_one() == 2


def test_an_ended_attempt_leaves_no_lease_and_no_draft(engine: Engine):
    """Whatever ends an attempt also frees what belonged to it."""
    worker = make_worker(engine)
    for name in ("complete", "fail", "retry_later", "hand_back", "expire", "unlock", "cancel"):
        job = accept_many(engine, make_agent(engine), 1)[0]
        while claimed := claim(engine, worker):
            if claimed.id == job:
                break
        with engine.begin() as conn:
            assert write_draft(conn, job, claimed.attempt, "so far")
        _take(engine, name, job, worker)
        with engine.begin() as conn:
            leases = conn.execute(text("SELECT count(*) FROM leases WHERE job_id = :id"), {"id": job}).scalar_one()
            drafts = conn.execute(text("SELECT count(*) FROM drafts WHERE job_id = :id"), {"id": job}).scalar_one()
        assert (name, leases, drafts) == (name, 0, 0)


def test_a_draft_without_the_lease_is_refused(engine: Engine):
    """A superseded attempt can't overwrite the draft of its successor."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    worker = make_worker(engine)
    claim(engine, worker)
    with engine.begin() as conn:
        _expire(conn, job, 1)
    claim(engine, worker)
    with engine.begin() as conn:
        assert write_draft(conn, job, 2, "new")
        assert not write_draft(conn, job, 1, "old")
        assert conn.execute(text("SELECT content FROM drafts")).scalar_one() == "new"


def test_spent_attempts_fail_with_a_reason(engine: Engine):
    """A job that its workers never finish ends `failed` after its last attempt, and says why."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    worker = make_worker(engine)
    for _ in range(3):
        claim(engine, worker)
        with engine.begin() as conn:
            _expire(conn, job, 0)
    with engine.begin() as conn:
        row = conn.execute(text("SELECT state, attempt, error_code FROM jobs")).one()
    assert row == ("failed", 3, "lease_expired")


def test_a_retry_by_a_person_gives_new_attempts_and_a_new_ticket(engine: Engine):
    """A person's retry goes to the end of the line, with the agent's number of attempts, and the fence keeps rising."""
    agent, worker = make_agent(engine, max_attempts=2), make_worker(engine)
    job, other = accept_many(engine, agent, 2)
    _take(engine, "claim", job, worker)
    _take(engine, "fail", job, worker)
    with engine.begin() as conn:
        assert retry_job(conn, job)
        row = conn.execute(
            text("SELECT ticket, attempt, attempt_limit, error, finished_at FROM jobs WHERE id = :id"), {"id": job}
        ).one()
    assert row == (3, 1, 3, None, None)
    assert [claim(engine, worker).id for _ in range(2)] == [other, job]


def test_a_hand_back_is_not_counted_against_the_job(engine: Engine):
    """A drained worker's attempt leaves the job as many attempts as before."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    worker = make_worker(engine)
    for expected in (4, 5):
        _take(engine, "claim", job, worker)
        _take(engine, "hand_back", job, worker)
        with engine.begin() as conn:
            assert conn.execute(text("SELECT attempt_limit FROM jobs")).scalar_one() == expected
