"""Totals only rise: over late commits, over restarts, over pruning."""

from sqlalchemy import text

from relais.store.bulk import JobFilter
from relais.store.forgetting import forget_events, forget_jobs
from relais.store.jobs import cancel_job
from relais.store.retention import clean_matching
from relais.store.settle import settle_completed
from relais.store.sweep import advance_watermarks
from relais_monitor.tally.follow import Tally
from support.seeding import accept_many, answer, claim, make_agent, make_worker


def complete(engine, worker_id, count):
    for _ in range(count):
        job = claim(engine, worker_id)
        with engine.begin() as conn:
            settle_completed(conn, job.id, job.attempt, answer())


def completed(monitor, agent="demo"):
    return monitor.value("relais_jobs_finished_total", kind="answer", agent=agent, outcome="completed")


def age_ledger(engine, minutes):
    with engine.begin() as conn:
        conn.execute(text("UPDATE job_events SET at = at - make_interval(mins => :minutes)"), {"minutes": minutes})


def test_totals_rise_with_the_ledger(monitor, engine):
    """Each completed job is counted once, however often the monitor is scraped and however old events grow."""
    accept_many(engine, make_agent(engine, slug="demo"), 6)
    worker_id = make_worker(engine)
    for done in (2, 4, 6):
        complete(engine, worker_id, 2)
        assert completed(monitor) == done
        age_ledger(engine, 2)
        assert completed(monitor) == done


def test_an_event_that_commits_late_is_counted(monitor, engine):
    """An event with a lower id that becomes visible after a higher one was counted is not lost."""
    accept_many(engine, make_agent(engine, slug="demo"), 2)
    worker_id = make_worker(engine, slots=2)
    slow, fast = claim(engine, worker_id), claim(engine, worker_id)
    with engine.begin() as late:
        settle_completed(late, slow.id, slow.attempt, answer())
        with engine.begin() as conn:
            settle_completed(conn, fast.id, fast.attempt, answer())
        assert completed(monitor) == 1
    assert completed(monitor) == 2


def test_a_restart_keeps_the_totals(make_monitor, database_url, engine):
    """While nothing was pruned, a new process continues where the old one was."""
    accept_many(engine, make_agent(engine, slug="demo"), 3)
    complete(engine, make_worker(engine), 3)
    assert completed(make_monitor(database_url)) == 3
    age_ledger(engine, 2)
    assert completed(make_monitor(database_url)) == 3


def test_after_pruning_a_new_process_begins_at_zero(make_monitor, database_url, engine):
    """A running process never counts down; a new one starts at 0, which Prometheus reads as the reset it is."""
    *_, last = accept_many(engine, make_agent(engine, slug="demo"), 5)
    worker_id = make_worker(engine)
    complete(engine, worker_id, 2)
    with engine.begin() as conn:
        assert cancel_job(conn, last)
    old = make_monitor(database_url)
    age_ledger(engine, 2)
    assert completed(old) == 2
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET finished_at = now() - interval '10 days' WHERE state = 'completed'"))
        conn.execute(text("UPDATE job_events SET at = now() - interval '10 days' WHERE transition = 'complete'"))
        advance_watermarks(conn)
        assert clean_matching(conn, JobFilter(older_than_s=5 * 86_400), keep=None, limit=100)
        forget_jobs(conn, older_than_days=5, limit=100)
        forget_events(conn, older_than_days=5, limit=100)
    assert completed(old) == 2
    complete(engine, worker_id, 1)
    assert completed(old) == 3
    new = make_monitor(database_url)
    assert completed(new) == 0
    complete(engine, worker_id, 1)
    assert completed(old) == 4
    assert completed(new) == 1
    age_ledger(engine, 2)
    assert completed(new) == 1


def test_a_renamed_agent_takes_its_totals_along(monitor, engine):
    """Totals belong to the agent, whatever its slug: the new series holds them all, and nothing is counted twice."""
    agent_id = make_agent(engine, slug="demo")
    accept_many(engine, agent_id, 2)
    complete(engine, make_worker(engine), 2)
    assert completed(monitor) == 2
    with engine.begin() as conn:
        conn.execute(text("UPDATE agents SET slug = 'other'"))
    assert completed(monitor, "other") == 2
    assert completed(monitor) is None


def test_reading_again_counts_nothing_twice(engine):
    """Two readings without news between them give the same totals, those of the ledger."""
    accept_many(engine, make_agent(engine), 2)
    complete(engine, make_worker(engine), 2)
    age_ledger(engine, 2)
    tally = Tally()
    for _ in range(2):
        with engine.begin() as conn:
            assert tally.update(conn)
        assert tally.state.totals.count("finished") == 2


def test_a_long_ledger_is_not_counted_from_its_beginning(engine):
    """Beyond a million entries, totals begin at 0 with the process; the last day's minutes are still read."""
    accept_many(engine, make_agent(engine), 3)
    worker_id = make_worker(engine)
    complete(engine, worker_id, 2)
    tally = Tally(longest_rebuild=3)
    with engine.begin() as conn:
        assert tally.update(conn)
    assert tally.state.totals.count("finished") == 0
    complete(engine, worker_id, 1)
    with engine.begin() as conn:
        assert tally.update(conn)
    assert tally.state.totals.count("finished") == 1
    assert sum(sums.count("finished") for sums in tally.state.minutes.view().minutes.values()) == 3
