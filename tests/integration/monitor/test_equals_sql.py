"""What the monitor exports is what SQL says, after a thousand jobs of every fate, however often it was restarted."""

import json
from collections.abc import Callable

import pytest

from support.metrics_oracle import expected_metrics
from support.mixed_jobs import MixedJobs
from support.one_minute import within_one_minute

_COUNTED = (
    "relais_jobs", "relais_job_", "relais_queue_wait", "relais_processing_seconds", "relais_retrieval",
    "relais_time_to", "relais_generation", "relais_answers", "relais_model_tokens", "relais_leases_expired",
    "relais_attempts_superseded", "relais_duplicate_answers", "relais_window_jobs",
)  # fmt: skip


def differences(monitor, engine) -> dict[object, object]:
    """The samples in which the two differ, with both values; none that is 0 may be missing from the oracle's."""
    scrape, expected = within_one_minute(engine, lambda: (monitor.scrape_counted(), expected_metrics(engine)))
    shown = {key: value for key, value in scrape.items() if value and key[0].startswith(_COUNTED)}
    return {
        (name, tuple(labels)): (shown.get((name, labels)), expected.get((name, labels)))
        for name, labels in shown.keys() | expected.keys()
        if shown.get((name, labels)) != pytest.approx(expected.get((name, labels), 0), abs=1e-6)
    }


def test_a_thousand_mixed_jobs(make_monitor: Callable, database_url, engine, tmp_path):
    """One monitor that stays, one restarted with its state, one restarted without: each equals SQL each time."""
    jobs = MixedJobs(engine, seed=4)
    steady = make_monitor(database_url)
    for part in range(4):
        jobs.run(250, ago_s=7_000 - 1_500 * part, apart_s=1.1)
        kept = make_monitor(database_url, home=tmp_path)
        for monitor in (steady, kept, make_monitor(database_url)):
            assert differences(monitor, engine) == {}
        kept.stop()
    assert json.loads((tmp_path / "tally.json").read_bytes())["top"] > 3_000
    assert [path.name for path in tmp_path.iterdir()] == ["tally.json"]
