"""A worker that stops at an awkward moment."""

import threading

from sqlalchemy import Engine, text

from support.seeding import accept_many, answer, make_agent
from support.waiting import wait_until


def test_a_job_whose_claim_was_under_way_at_sigterm_is_handed_back(engine: Engine, start_worker, gate):
    """The claim that was sent before the drain began brings a job after it: that one goes back unharmed too."""
    service = start_worker(gate, drain_s=2.0)
    with engine.begin() as conn:
        conn.execute(text("LOCK TABLE leases IN SHARE MODE"))  # a claim can write no lease
        (job,) = accept_many(engine, make_agent(engine), 1)
        wait_until(lambda: _claims_under_way(engine), 10, "a claim is under way")
        stopping = threading.Thread(target=service.stop)
        stopping.start()
        wait_until(lambda: service._parts.runs.draining, 10, "the drain began")
    stopping.join(30)
    with engine.begin() as conn:
        events = [row[0] for row in conn.execute(text("SELECT transition FROM job_events ORDER BY id"))]
        row = conn.execute(text("SELECT state, attempt_limit FROM jobs")).one()
    assert (events[-1], row) == ("hand_back", ("queued", 4)), job


def _claims_under_way(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(
            conn.execute(
                text("""SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                     AND datname = current_database() AND query LIKE '%j.ticket LIMIT 1 FOR UPDATE%'""")
            ).scalar_one()
        )


def test_an_answer_that_is_finished_during_the_drain_is_kept(engine: Engine, start_worker, gate):
    """Told to stop a moment before its end, an attempt that ends with an answer hands in the answer, not the job."""

    def work(job, progress):
        assert gate.open.wait(20)
        return answer()

    service = start_worker(work, drain_s=0.0)
    accept_many(engine, make_agent(engine), 1)
    (run,) = wait_until(service._parts.runs.current, 20, "started")
    stopping = threading.Thread(target=service.stop)
    stopping.start()
    wait_until(lambda: run.aborted, 10, "told to stop")
    gate.open.set()
    stopping.join(30)
    with engine.begin() as conn:
        assert conn.execute(text("SELECT state, attempt FROM jobs")).one() == ("completed", 1)
