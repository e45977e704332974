"""Claiming: order, sessions, pauses, attempts."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from relais.store.jobs import cancel_job
from relais.store.leases import beat
from relais.store.pausing import pause_agent
from relais.store.settle import settle_completed, settle_retry
from relais.store.sweep import count_eligible
from support.seeding import accept, accept_many, answer, claim, make_agent, make_worker, new_message


def test_jobs_are_claimed_in_the_order_of_priority_and_ticket(engine: Engine):
    """First the smaller priority number, then who came first."""
    agent, worker = make_agent(engine), make_worker(engine)
    late = accept_many(engine, agent, 2, priority=5)
    urgent = accept_many(engine, agent, 2, priority=1)
    assert [claim(engine, worker).id for _ in range(4)] == urgent + late
    assert claim(engine, worker) is None


def test_a_claim_counts_the_attempt_before_any_work(engine: Engine):
    """A worker that is killed right after its claim has used an attempt."""
    worker = make_worker(engine)
    accept_many(engine, make_agent(engine), 1)
    job = claim(engine, worker)
    assert (job.attempt, job.attempt_limit, job.last_attempt) == (1, 3, False)
    with engine.begin() as conn:
        row = conn.execute(
            text("SELECT j.state, j.attempt, l.attempt FROM jobs j JOIN leases l ON l.job_id = j.id")
        ).one()
    assert row == ("processing", 1, 1)


def test_a_worker_that_counts_as_dead_claims_nothing(engine: Engine):
    """What it took would be taken from it at once, at the cost of an attempt; its next beat brings it back."""
    worker = make_worker(engine)
    (job,) = accept_many(engine, make_agent(engine), 1)
    with engine.begin() as conn:
        conn.execute(text("UPDATE workers SET stopped_at = now()"))
    assert claim(engine, worker) is None
    with engine.begin() as conn:
        beat(conn, worker_id=worker, lease_s=20, running=[])
    assert claim(engine, worker).id == job


def test_each_job_is_claimed_by_one_worker(engine: Engine):
    """Eight workers that claim at once never get the same job, and leave none."""
    ids = accept_many(engine, make_agent(engine), 60)
    workers = [make_worker(engine) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        claimed = [job.id for job in pool.map(lambda n: claim(engine, workers[n % 8]), range(60)) if job]
    while job := claim(engine, workers[0]):  # one that looked while all were locked found none, which is normal
        claimed.append(job.id)
    assert sorted(claimed) == sorted(ids)


def test_a_sessions_second_message_waits_for_the_first(engine: Engine):
    """Messages of one session are answered one after another, and nobody else waits for them."""
    agent, worker = make_agent(engine), make_worker(engine)
    first = accept(engine, [new_message(agent)])[0]
    second = accept(engine, [new_message(agent, session_id=first.session_id)])[0]
    other = accept(engine, [new_message(agent)])[0]
    assert [claim(engine, worker).id for _ in range(2)] == [first.message_id, other.message_id]
    assert claim(engine, worker) is None
    with engine.begin() as conn:
        assert settle_completed(conn, first.message_id, 1, answer()).successor_waits
    assert claim(engine, worker).id == second.message_id


def test_a_session_keeps_its_order_when_its_agent_becomes_more_urgent(engine: Engine):
    """A message joins the lane in which its session waits; a new priority holds once the session is through."""
    agent, worker = make_agent(engine), make_worker(engine)
    first = accept(engine, [new_message(agent, priority=5)])[0]
    second = accept(engine, [new_message(agent, session_id=first.session_id, priority=0)])[0]
    assert (second.priority, second.ticket) == (5, 2)
    assert claim(engine, worker).id == first.message_id
    with engine.begin() as conn:
        settle_completed(conn, first.message_id, 1, answer())
    assert claim(engine, worker).id == second.message_id
    third = accept(engine, [new_message(agent, session_id=first.session_id, priority=0)])[0]
    assert third.priority == 5, "the second still runs"
    with engine.begin() as conn:
        settle_completed(conn, second.message_id, 1, answer())
        cancel_job(conn, third.message_id)
    assert accept(engine, [new_message(agent, session_id=first.session_id, priority=0)])[0].priority == 0


def test_a_session_keeps_its_order_while_the_first_waits_for_another_attempt(engine: Engine):
    """The second message doesn't overtake a first that backs off."""
    agent, worker = make_agent(engine), make_worker(engine)
    first = accept(engine, [new_message(agent)])[0]
    accept(engine, [new_message(agent, session_id=first.session_id)])
    claim(engine, worker)
    with engine.begin() as conn:
        settle_retry(conn, first.message_id, 1, error_code="e", error="E", delay_s=60)
    assert claim(engine, worker) is None


def test_a_cancelled_message_frees_its_session(engine: Engine):
    """A session doesn't wait for a message that nobody will answer."""
    agent, worker = make_agent(engine), make_worker(engine)
    first = accept(engine, [new_message(agent)])[0]
    second = accept(engine, [new_message(agent, session_id=first.session_id)])[0]
    with engine.begin() as conn:
        assert cancel_job(conn, first.message_id)
    assert claim(engine, worker).id == second.message_id


def test_one_session_never_runs_twice_at_once(engine: Engine):
    """Sixteen concurrent claims on one session's messages start one of them."""
    agent, worker = make_agent(engine), make_worker(engine)
    session = accept(engine, [new_message(agent)])[0].session_id
    accept(engine, [new_message(agent, session_id=session) for _ in range(20)])
    with ThreadPoolExecutor(8) as pool:
        claimed = [job for job in pool.map(lambda _: claim(engine, worker), range(16)) if job]
    assert len(claimed) == 1


def test_a_job_that_backs_off_is_not_claimed_before_its_time(engine: Engine):
    """`run_at` ahead keeps a job in line without running it; others pass."""
    agent, worker = make_agent(engine), make_worker(engine)
    first, second = accept_many(engine, agent, 2)
    claim(engine, worker)
    with engine.begin() as conn:
        settle_retry(conn, first, 1, error_code="e", error="E", delay_s=60)
    assert claim(engine, worker).id == second
    assert claim(engine, worker) is None


def test_a_paused_queue_gives_no_job(engine: Engine):
    """Pausing stops claims and loses nothing."""
    worker = make_worker(engine)
    accept_many(engine, make_agent(engine), 1)
    with engine.begin() as conn:
        conn.execute(text("UPDATE queues SET paused_at = now() WHERE name = 'ai-messages'"))
    assert claim(engine, worker) is None
    with engine.begin() as conn:
        conn.execute(text("UPDATE queues SET paused_at = NULL"))
    assert claim(engine, worker) is not None


@pytest.mark.parametrize("seed", range(5))
def test_a_claim_passes_paused_agents_and_nobody_else(engine: Engine, seed: int):
    """Whatever the lanes and whoever is paused, the order is that of the others' places; the count agrees."""
    chance = random.Random(seed)
    agents = [make_agent(engine, slug=f"agent-{n}") for n in range(4)]
    accepted = []
    for _ in range(30):
        agent, priority = chance.choice(agents), chance.choice([0, 0, -3, 7])
        (job,) = accept(engine, [new_message(agent, priority=priority)])
        accepted.append((job.priority, job.ticket, job.message_id, agent))
    paused = {agent for agent in agents if chance.random() < 0.5}
    with engine.begin() as conn:
        for number, agent in enumerate(agents):
            if agent in paused:
                assert pause_agent(conn, f"agent-{number}")
        expected = [job for _, _, job, agent in sorted(accepted) if agent not in paused]
        assert count_eligible(conn, queue="ai-messages", limit=100) == len(expected)
    worker = make_worker(engine)
    claimed = []
    while job := claim(engine, worker):
        claimed.append(job.id)
    assert claimed == expected
