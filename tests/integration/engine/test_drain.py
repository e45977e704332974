"""A worker that stops in the middle of a claim."""

import threading

from sqlalchemy import Engine, text

from support.seeding import accept_many, make_agent
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
