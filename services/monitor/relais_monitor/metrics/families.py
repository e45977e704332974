"""Turns a snapshot into Prometheus metric families; what is unknown has no sample."""

import platform
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from relais_monitor.metrics.counts import Series
from relais_monitor.metrics.history import history_families
from relais_monitor.metrics.moment import moment_families
from relais_monitor.metrics.windows import window_families
from relais_monitor.snapshot import Snapshot


def families(snapshot: Snapshot | None) -> Iterator[Metric]:
    """Give the families of a snapshot; without one, only that the database is away."""
    yield InfoMetricFamily(
        "relais_build",
        "The version of Relais that reports.",
        value={"version": version("relais"), "python": platform.python_version()},
    )
    yield GaugeMetricFamily(
        "relais_database_up",
        "1 when the monitor could read the database for this scrape.",
        value=float(snapshot is not None),
    )
    if snapshot is None:
        return
    yield from moment_families(snapshot)
    if snapshot.history is not None:
        yield from history_families(Series(snapshot.stats, snapshot.history.totals), snapshot.history.totals)
        yield from window_families(snapshot.history.windows)
