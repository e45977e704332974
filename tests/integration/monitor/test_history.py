"""The last hour and day as JSON, for plots and for people."""

import pytest

from support.mixed_jobs import MixedJobs
from support.one_minute import within_one_minute


@pytest.fixture
def mixed(engine):
    """A hundred jobs of every fate within the last half hour."""
    MixedJobs(engine, seed=1).run(100, ago_s=1_500, apart_s=3)
    return engine


@pytest.mark.parametrize(("window", "points", "step_s"), [("1h", 61, 60), ("24h", 145, 600)])
def test_steps_add_up_to_the_window(monitor, mixed, window, points, step_s):
    """Each job that ended is in one step; together they are what /api/stats says of the window."""
    body = monitor.get(f"/api/history?window={window}").json()
    whole = monitor.get("/api/stats").json()["figures"]["windows"][window]
    assert (body["database_up"], body["window"], body["step_s"], len(body["points"])) == (True, window, step_s, points)
    for figure in ("finished", "completed", "failed", "cancelled", "tokens_prompt", "tokens_completion"):
        assert sum(point[figure] for point in body["points"]) == whole[figure] > 0
    waits = [point["wait_p50_s"] for point in body["points"] if point["finished"] and point["wait_p50_s"] is not None]
    assert waits
    assert min(waits) >= 0


def test_kinds_add_up_to_all(monitor, mixed):
    """A plot of one kind leaves the others out."""
    asked = ("/api/history?kind=answer", "/api/history?kind=ingest", "/api/history")
    *by_kind, both = within_one_minute(mixed, lambda: [monitor.get(address).json()["points"] for address in asked])
    assert [a["finished"] + b["finished"] for a, b in zip(*by_kind, strict=True)] == [p["finished"] for p in both]
    assert sum(point["tokens_completion"] for point in by_kind[1]) == 0


def test_an_unknown_window_is_refused(monitor):
    """There are an hour and a day."""
    assert monitor.get("/api/history?window=1y").status_code == 422


def test_without_a_database_there_are_no_points(make_monitor, empty_database_url):
    """Unknown is null, not an hour in which nothing happened."""
    body = make_monitor(empty_database_url).get("/api/history").json()
    assert body == {"database_up": False, "window": "1h", "step_s": 60, "points": None}


def test_the_json_has_the_windows_of_the_metrics(monitor, mixed):
    """/api/stats and /metrics agree on every window."""
    scrape, stats = within_one_minute(mixed, lambda: (monitor.scrape(), monitor.get("/api/stats").json()))
    windows = stats["figures"]["windows"]
    assert set(windows) == {"5m", "1h", "24h", "today"}
    for name, window in windows.items():
        for kind, figures in window["by_kind"].items():
            for outcome in ("completed", "failed", "cancelled"):
                labels = {"kind": kind, "outcome": outcome, "window": name}
                assert scrape["relais_window_jobs", frozenset(labels.items())] == figures[outcome]
            shown = scrape.get(("relais_window_failure_ratio", frozenset({"kind": kind, "window": name}.items())))
            assert shown == figures["failure_ratio"]
