"""Makes metric families of counts and histograms."""

from collections.abc import Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from relais_monitor.tally.histogram import Histogram
from relais_monitor.tally.sums import Labels

_US = 1_000_000


def gauge(name: str, text: str, labels: Labels, values: Mapping[Labels, float | None]) -> GaugeMetricFamily:
    """A family of gauges; what is None is unknown and has no sample."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        if value is not None:
            family.add_metric(key, value)
    return family


def counter(name: str, text: str, labels: Labels, counts: Mapping[Labels, int]) -> CounterMetricFamily:
    """A family of counters, ordered by label."""
    family = CounterMetricFamily(name, text, labels=labels)
    for key, count in sorted(counts.items()):
        family.add_metric(key, count)
    return family


def durations(name: str, text: str, labels: Labels, series: Mapping[Labels, Histogram]) -> HistogramMetricFamily:
    """A family of histograms of microseconds, shown in seconds."""
    return _histograms(name, text, labels, series, per_unit=_US)


def sizes(name: str, text: str, labels: Labels, series: Mapping[Labels, Histogram]) -> HistogramMetricFamily:
    """A family of histograms of plain numbers."""
    return _histograms(name, text, labels, series, per_unit=1)


def _histograms(
    name: str, text: str, labels: Labels, series: Mapping[Labels, Histogram], *, per_unit: int
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=labels)
    for key, histogram in sorted(series.items()):
        bounds = [*(str(float(bound / per_unit)) for bound in histogram.bounds), "+Inf"]
        running = accumulate(histogram.counts)
        family.add_metric(key, list(zip(bounds, running, strict=True)), histogram.total / per_unit)
    return family
