"""Readings that come too late: everybody who waits for one gets an answer with a remedy."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, text

from relais_monitor.problems import MonitorProblem
from relais_monitor.reading.readings import Readings
from support.waiting import wait_until


@pytest.fixture
def viewers() -> Iterator[ThreadPoolExecutor]:
    """Threads that ask as the web server's do."""
    with ThreadPoolExecutor(max_workers=8) as threads:
        yield threads


def outcome(asked: Future[object]) -> tuple[int, str]:
    """Status and code of the refusal that a viewer got."""
    error = asked.exception(timeout=10)
    assert isinstance(error, MonitorProblem)
    return error.status, error.code


def test_one_viewer_s_patience_is_no_accident_of_another(engine, viewers):
    """Several share a reading that could not begin; when the first gives up, all are told the same."""
    gate, begun = threading.Event(), threading.Semaphore(0)

    def blocked(_conn: Connection) -> None:
        begun.release()
        gate.wait(10)

    readings = Readings(engine, patience_s=0.5)
    try:
        for key in ("one", "two"):  # as many as are read at once
            viewers.submit(readings.read, key, blocked)
            assert begun.acquire(timeout=5)
        shared = [viewers.submit(readings.read, "shared", blocked) for _ in range(5)]
        assert {outcome(asked) for asked in shared} == {(503, "database_unavailable")}
    finally:
        gate.set()
        readings.close()
        wait_until(lambda: engine.pool.checkedout() == 0)


def test_a_reading_that_is_too_slow_names_what_helps_there(engine, viewers):
    """504 without a filter to narrow, unless the caller has one."""

    def slow(conn: Connection) -> None:
        conn.execute(text("SELECT pg_sleep(10)"))

    readings = Readings(engine, limit_s=0.1)
    try:
        assert outcome(viewers.submit(readings.read, "overview", slow)) == (504, "reading_too_slow")
        own = MonitorProblem(504, "search_too_slow", "The search took too long", "Narrow it.")
        asked = viewers.submit(readings.read, "search", slow, too_slow=lambda: own)
        assert outcome(asked) == (504, "search_too_slow")
    finally:
        readings.close()
        wait_until(lambda: engine.pool.checkedout() == 0)
