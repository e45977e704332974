"""Heartbeats: what is renewed, what is lost, and why."""

from sqlalchemy import Engine, text

from relais.store.jobs import cancel_job, retry_job
from relais.store.leases import beat
from support.seeding import accept_many, claim, make_agent, make_worker


def _beat(engine: Engine, worker: int, *running: tuple[object, int]) -> dict[int, str]:
    with engine.begin() as conn:
        return {report.attempt: report.standing for report in beat(conn, worker_id=worker, lease_s=20, running=running)}


def test_a_held_lease_runs_on(engine: Engine):
    """A beat moves the end of the lease a whole lease ahead of now."""
    job, worker = accept_many(engine, make_agent(engine), 1)[0], make_worker(engine)
    claim(engine, worker, lease_s=1)
    assert _beat(engine, worker, (job, 1)) == {1: "held"}
    with engine.begin() as conn:
        left = conn.execute(text("SELECT extract(epoch FROM expires_at - now()) FROM leases")).scalar_one()
    assert 18 < left <= 20


def test_a_cancelled_job_is_reported_as_such(engine: Engine):
    """The worker learns from its next beat that it works in vain."""
    job, worker = accept_many(engine, make_agent(engine), 1)[0], make_worker(engine)
    claim(engine, worker)
    with engine.begin() as conn:
        cancel_job(conn, job)
    assert _beat(engine, worker, (job, 1)) == {1: "cancelled"}


def test_an_old_attempt_is_superseded_while_the_new_one_is_held(engine: Engine):
    """Two attempts of one job in one process are told apart: only the one with the lease goes on."""
    job, worker = accept_many(engine, make_agent(engine), 1)[0], make_worker(engine)
    claim(engine, worker)
    with engine.begin() as conn:
        cancel_job(conn, job)
        retry_job(conn, job)
    claim(engine, worker)
    assert _beat(engine, worker, (job, 1), (job, 2)) == {1: "superseded", 2: "held"}


def test_a_beat_without_work_shows_that_the_worker_lives(engine: Engine):
    """An idle worker stays in the register; one that was given up by mistake is back."""
    worker = make_worker(engine)
    with engine.begin() as conn:
        conn.execute(text("UPDATE workers SET stopped_at = now(), heartbeat_at = now() - interval '1 hour'"))
    _beat(engine, worker)
    with engine.begin() as conn:
        row = conn.execute(text("SELECT stopped_at, now() - heartbeat_at < interval '1 s' FROM workers")).one()
    assert row == (None, True)


def test_a_beat_waits_for_no_disk(engine: Engine):
    """Beats come twice a second from every worker: their commits cost no flush, with or without work to report."""
    worker = make_worker(engine)
    with engine.begin() as conn:
        beat(conn, worker_id=worker, lease_s=20, running=[])
        assert conn.execute(text("SHOW synchronous_commit")).scalar_one() == "off"
    with engine.begin() as conn:
        assert conn.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
