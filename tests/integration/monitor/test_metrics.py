"""What the monitor says is what the database holds; what nobody knows, it does not say."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from relais.queues import Kind
from relais.store.accept import accept_ingestion
from relais.store.claim import ClaimedJob
from relais.store.jobs import cancel_job, retry_job
from relais.store.settle import record_superseded, settle_completed, settle_failed, settle_retry
from relais.store.sweep import expire_leases, note_heartbeat
from relais.store.workers import say_goodbye
from support.seeding import accept_many, answer, claim, make_agent, make_worker

SQL_JOBS = "SELECT kind, state, count(*) FROM every_job GROUP BY kind, state"
SQL_FINISHED = """
SELECT j.kind, a.slug, e.to_state, count(*) FROM job_events e JOIN jobs j ON j.id = e.job_id
JOIN agents a ON a.id = j.agent_id
WHERE e.to_state IN ('completed', 'failed', 'cancelled') AND e.transition <> 'superseded' GROUP BY 1, 2, 3"""
SQL_FAILURES = """
SELECT j.kind, e.error_code, count(*) FROM job_events e JOIN jobs j ON j.id = e.job_id
WHERE e.transition IN ('fail', 'retry_later', 'expire', 'expire_spent') GROUP BY 1, 2"""


def rows(engine, sql):
    with engine.begin() as conn:
        return [tuple(row) for row in conn.execute(text(sql))]


def do(engine, function, *args, **kwargs):
    with engine.begin() as conn:
        return function(conn, *args, **kwargs)


def take(engine, worker_id, **options) -> ClaimedJob:
    job = claim(engine, worker_id, **options)
    assert job is not None
    return job


@pytest.fixture
def busy(engine):
    """A database in which every state and every ending occurs."""
    agent_id = make_agent(engine, slug="demo")
    accept_many(engine, agent_id, 12)
    do(engine, accept_ingestion, job_id=uuid4(), document_id=uuid4(), agent_id=agent_id, priority=0, max_attempts=3)
    worker_id = make_worker(engine, slots=4)
    for _ in range(3):
        job = take(engine, worker_id)
        do(engine, settle_completed, job.id, job.attempt, answer())
    job = take(engine, worker_id)
    do(engine, settle_failed, job.id, job.attempt, error_code="model_missing", error="No model.")
    job = take(engine, worker_id)
    do(engine, settle_retry, job.id, job.attempt, error_code="timeout", error="Slow.", delay_s=600)
    lost = take(engine, worker_id, lease_s=0)
    do(engine, expire_leases, grace_s=0, limit=10)
    do(engine, record_superseded, lost.id, lost.attempt, worker_id)
    cancelled = take(engine, worker_id)
    do(engine, cancel_job, cancelled.id)
    take(engine, worker_id)
    do(engine, cancel_job, accept_many(engine, agent_id, 1)[0])
    return engine


def test_jobs_equal_the_counts_in_sql(monitor, busy):
    """Every kind and state has a sample; each is what `count(*)` says, and 0 where there is none."""
    counted = {(kind, state): count for kind, state, count in rows(busy, SQL_JOBS)}
    shown = {
        (dict(labels)["kind"], dict(labels)["state"]): value
        for (name, labels), value in monitor.scrape_counted().items()
        if name == "relais_jobs"
    }
    assert len(shown) == 12
    assert {key: value for key, value in shown.items() if value} == counted


def test_totals_equal_the_ledger(monitor, busy):
    """Finished jobs, failed attempts, expired leases and superseded results are what the ledger holds."""
    scrape = monitor.scrape()
    for kind, agent, outcome, count in rows(busy, SQL_FINISHED):
        labels = {"kind": kind, "agent": agent, "outcome": outcome}
        assert scrape["relais_jobs_finished_total", frozenset(labels.items())] == count
    for kind, reason, count in rows(busy, SQL_FAILURES):
        assert scrape["relais_job_failures_total", frozenset({"kind": kind, "reason": reason}.items())] == count
    finished = sum(value for (name, _), value in scrape.items() if name == "relais_jobs_finished_total")
    assert finished == sum(row[-1] for row in rows(busy, SQL_FINISHED)) == 6
    assert scrape["relais_leases_expired_total", frozenset()] == 1
    assert scrape["relais_attempts_superseded_total", frozenset()] == 1


def test_a_result_that_comes_after_a_cancel_is_no_late_one(monitor, engine):
    """A user cancels in the moment in which the answer is done: it is dropped, as asked, and nobody is called."""
    accept_many(engine, make_agent(engine), 1)
    worker_id = make_worker(engine)
    job = take(engine, worker_id)
    do(engine, cancel_job, job.id)
    assert do(engine, settle_completed, job.id, job.attempt, answer()) is None
    do(engine, record_superseded, job.id, job.attempt, worker_id)
    assert rows(engine, "SELECT from_state FROM job_events WHERE transition = 'superseded'") == [("cancelled",)]
    assert monitor.value("relais_attempts_superseded_total") == 0
    assert monitor.get("/api/stats").json()["figures"]["attempts_superseded"] == 0


def test_capacity_counts_only_workers_that_show_life(monitor, busy):
    """A worker that said goodbye is gone, a silent one counts apart and its slots not at all."""
    make_worker(busy, slots=2)
    do(busy, say_goodbye, make_worker(busy, slots=8))
    silent = make_worker(busy, slots=16)
    with busy.begin() as conn:
        conn.execute(
            text("UPDATE workers SET heartbeat_at = now() - interval '1 minute' WHERE id = :id"), {"id": silent}
        )
    assert monitor.value("relais_workers", state="alive") == 2
    assert monitor.value("relais_workers", state="silent") == 1
    assert monitor.value("relais_worker_slots", state="busy") == 1
    assert monitor.value("relais_worker_slots", state="idle") == 5


def test_the_oldest_waiting_job_has_its_age(monitor, engine):
    """The age is that of the oldest job that waits, 0 when none does; a person's retry begins a new wait."""
    assert monitor.value("relais_oldest_waiting_seconds", kind="answer") == 0
    old, _ = accept_many(engine, make_agent(engine), 2)
    with engine.begin() as conn:
        conn.execute(
            text("UPDATE jobs SET created_at = now() - interval '2 hours' WHERE id = :id"),
            {"id": old},
        )
    assert monitor.value("relais_oldest_waiting_seconds", kind="answer") == pytest.approx(7200, abs=60)
    job = take(engine, make_worker(engine))
    do(engine, settle_failed, job.id, job.attempt, error_code="x", error="x")
    do(engine, retry_job, job.id)
    assert monitor.value("relais_oldest_waiting_seconds", kind="answer") < 60
    assert monitor.value("relais_oldest_waiting_seconds", kind="ingest") == 0


def test_what_nobody_reported_is_absent(monitor):
    """Without a sweeper nothing is said of its last run nor of the broker: neither 0 nor down."""
    names = {name for name, _ in monitor.scrape()}
    assert "relais_sweeper_last_run_timestamp_seconds" not in names
    assert "relais_broker_up" not in names
    assert "relais_tokens_ready" not in names
    assert "relais_database_up" in names


def test_shows_the_broker_as_the_sweeper_saw_it(monitor, engine):
    """Up with the tokens of each queue; down without; a queue that the sweeper could not ask is absent."""
    do(engine, note_heartbeat, "sweeper", {})
    do(engine, note_heartbeat, "broker", {"up": True, "ready": {"ai-messages": 3}})
    assert monitor.value("relais_broker_up") == 1
    assert monitor.value("relais_tokens_ready", queue="ai-messages") == 3
    assert monitor.value("relais_tokens_ready", queue="documents") is None
    (ran_at,) = rows(engine, "SELECT extract(epoch FROM ran_at)::float FROM heartbeats WHERE part = 'sweeper'")[0]
    assert monitor.value("relais_sweeper_last_run_timestamp_seconds") == pytest.approx(ran_at)
    do(engine, note_heartbeat, "broker", {"up": False, "ready": {}})
    assert monitor.value("relais_broker_up") == 0
    assert monitor.value("relais_tokens_ready", queue="ai-messages") is None


def test_an_old_report_says_nothing_of_the_broker(monitor, engine):
    """When the sweeper is late, the broker's state is unknown, while the sweeper's last run stays known."""
    do(engine, note_heartbeat, "sweeper", {})
    do(engine, note_heartbeat, "broker", {"up": True, "ready": {"ai-messages": 3}})
    with engine.begin() as conn:
        conn.execute(text("UPDATE heartbeats SET ran_at = now() - interval '2 minutes'"))
    assert monitor.value("relais_broker_up") is None
    assert monitor.value("relais_tokens_ready", queue="ai-messages") is None
    assert monitor.value("relais_sweeper_last_run_timestamp_seconds") is not None


def test_series_exist_before_the_first_event(monitor, engine):
    """An agent's outcomes and the known reasons begin at 0, so that the first event is an increase."""
    make_agent(engine, slug="fresh")
    for kind in Kind:
        for outcome in ("completed", "failed", "cancelled"):
            assert monitor.value("relais_jobs_finished_total", kind=kind, agent="fresh", outcome=outcome) == 0
        assert monitor.value("relais_job_failures_total", kind=kind, reason="worker_lost") == 0
        assert monitor.value("relais_job_retries_total", kind=kind, cause="person") == 0
        assert monitor.value("relais_queue_wait_seconds_count", kind=kind) == 0
        assert monitor.value("relais_processing_seconds_bucket", kind=kind, agent="fresh", le="+Inf") == 0
    assert monitor.value("relais_model_tokens_total", model="extractive", direction="completion") == 0
    assert monitor.value("relais_leases_expired_total") == 0
    assert monitor.value("relais_duplicate_answers_total") == 0


def test_the_json_has_the_same_figures(monitor, busy):
    """/api/stats and /metrics agree."""
    do(busy, note_heartbeat, "broker", {"up": True, "ready": {"documents": 2}})
    scrape = monitor.scrape_counted()
    body = monitor.get("/api/stats").json()
    assert body["database_up"] is True
    figures = body["figures"]
    for kind, counts in figures["jobs"].items():
        for state, count in counts.items():
            assert scrape["relais_jobs", frozenset({"kind": kind, "state": state}.items())] == count
    for row in figures["finished"]:
        total = row.pop("total")
        assert scrape["relais_jobs_finished_total", frozenset(row.items())] == total
    assert figures["workers"]["slots_busy"] == scrape["relais_worker_slots", frozenset({("state", "busy")})]
    assert figures["broker"] == {"up": True, "tokens_ready": {"documents": 2}, "alarms": None}
    assert figures["sweeper_last_run_at"] is None
