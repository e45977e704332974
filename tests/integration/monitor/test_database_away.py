"""The monitor without its database: it says so, and nothing else."""

import threading
import time

from sqlalchemy import text

from support.seeding import accept_many, make_agent
from support.waiting import wait_until


def test_says_only_that_the_database_is_away(make_monitor, private_postgres):
    """While PostgreSQL is stopped every figure but `relais_database_up 0` is absent; afterwards all are back."""
    monitor = make_monitor(private_postgres.url())
    assert monitor.value("relais_database_up") == 1
    private_postgres.stop()
    assert {name for name, _ in monitor.scrape()} == {"relais_build_info", "relais_database_up"}
    assert monitor.value("relais_database_up") == 0
    assert monitor.get("/api/stats").json() == {"database_up": False, "figures": None}
    for path in ("/api/overview", "/api/jobs", "/api/failures", "/api/workers", "/api/jobs/0123456789ab"):
        reply = monitor.get(path)
        assert (reply.status_code, reply.json()["code"]) == (503, "database_unavailable")
        assert reply.headers["retry-after"] == "2"
    assert monitor.get("/").status_code == 200
    assert monitor.get("/healthz").status_code == 200
    private_postgres.start()
    wait_until(lambda: monitor.value("relais_database_up") == 1)
    assert monitor.value("relais_jobs", kind="answer", state="queued") == 0
    wait_until(lambda: monitor.get("/api/overview").status_code == 200)


def test_a_database_without_the_schema_is_of_no_use(make_monitor, empty_database_url):
    """Before `relais migrate` there is nothing to read."""
    assert make_monitor(empty_database_url).value("relais_database_up") == 0


def test_a_slow_database_does_not_hold_a_scrape(make_monitor, database_url, engine):
    """A reading that takes too long is reported as away within the monitor's patience."""
    monitor = make_monitor(database_url, patience_s=0.5)
    with engine.begin() as conn:
        conn.execute(text("LOCK TABLE workers IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        reply = monitor.get("/metrics")
        assert time.monotonic() - began < 3
        assert "relais_database_up 0.0" in reply.text
    wait_until(lambda: monitor.value("relais_database_up") == 1)


def test_scrapes_within_a_moment_share_one_reading(make_monitor, database_url, engine):
    """Concurrent scrapers cost the database one reading, and see the same figures until it is stale."""
    monitor = make_monitor(database_url, cache_s=60)
    assert monitor.value("relais_jobs", kind="answer", state="pending") == 0
    accept_many(engine, make_agent(engine), 1)
    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(monitor.value("relais_jobs", kind="answer", state="pending")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [0] * 8


def test_the_monitor_cannot_write(make_monitor, database_url, engine):
    """A role that may only read is enough."""
    with engine.begin() as conn:
        conn.execute(text("CREATE ROLE relais_reader LOGIN PASSWORD 'reader'"))
        conn.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO relais_reader"))
    try:
        url = engine.url.set(username="relais_reader", password="reader")  # noqa: S106 -- exists for this test only
        monitor = make_monitor(url.render_as_string(hide_password=False))
        assert monitor.value("relais_database_up") == 1
        assert monitor.value("relais_leases_expired_total") == 0
    finally:
        with engine.begin() as conn:
            conn.execute(text("DROP OWNED BY relais_reader"))
            conn.execute(text("DROP ROLE relais_reader"))
