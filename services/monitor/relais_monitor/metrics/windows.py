"""Metrics over the last minutes, for those who have no Prometheus to compute them."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import Metric

from relais_monitor.metrics.building import gauge
from relais_monitor.metrics.counts import OUTCOMES
from relais_monitor.tally.sums import Labels
from relais_monitor.windows import Outcomes, Window, WindowName

Windows = Mapping[WindowName, Window]


def window_families(windows: Windows) -> Iterator[Metric]:
    """Give them; each window is whole minutes and the current one so far."""
    yield gauge(
        "relais_window_jobs",
        "Jobs that reached a final state within the window.",
        ("kind", "outcome", "window"),
        {
            (kind, outcome, name): getattr(outcomes, outcome)
            for name, window in windows.items()
            for kind, outcomes in window.by_kind.items()
            for outcome in OUTCOMES
        },
    )
    yield gauge(
        "relais_window_throughput_per_second",
        "Jobs per second that reached a final state within the window.",
        ("kind", "window"),
        {
            (kind, name): outcomes.finished / window.seconds if window.seconds else None
            for name, window in windows.items()
            for kind, outcomes in window.by_kind.items()
        },
    )
    yield _by_kind(
        windows,
        "relais_window_failure_ratio",
        "Share of failed jobs in those completed or failed within the window.",
        lambda outcomes: outcomes.failure_ratio,
    )
    yield _by_kind(
        windows,
        "relais_window_mean_processing_seconds",
        "Mean time of the last attempts of jobs that completed or failed within the window.",
        lambda outcomes: outcomes.mean_processing_s,
    )
    yield _by_kind(
        windows,
        "relais_window_mean_wait_seconds",
        "Mean wait of jobs that finished within the window.",
        lambda outcomes: outcomes.mean_wait_s,
    )
    yield gauge(
        "relais_window_tokens_per_second",
        "Tokens that a model wrote per second of generation within the window.",
        ("model", "window"),
        {
            (model, name): use.tokens_per_second
            for name, window in windows.items()
            for model, use in window.models.items()
        },
    )


def _by_kind(windows: Windows, name: str, text: str, value: Callable[[Outcomes], float | None]) -> Metric:
    values: dict[Labels, float | None] = {
        (kind, window_name): value(outcomes)
        for window_name, window in windows.items()
        for kind, outcomes in window.by_kind.items()
    }
    return gauge(name, text, ("kind", "window"), values)
