"""Histograms: what they count, and what they let one estimate."""

import pytest

from relais_monitor.tally.histogram import ATTEMPTS, DURATIONS_US, Histogram


def of(*values: int, bounds=ATTEMPTS) -> Histogram:
    histogram = Histogram(bounds)
    for value in values:
        histogram.add(value)
    return histogram


def test_a_value_on_a_bound_lies_up_to_it():
    """Prometheus' `le` means less or equal; what is beyond the last bound is counted as well."""
    assert of(1, 2, 3, 10, 11).counts == [1, 1, 1, 0, 0, 1, 1]


def test_merging_is_counting_together():
    """Two histograms added up are the histogram of both, in either order, to the last microsecond."""
    few, many = of(1, 7), of(*range(12))
    whole = few.copy()
    whole.merge(many)
    many.merge(few)
    assert (whole.counts, whole.total, whole.count) == (many.counts, many.total, 14)
    assert few.count == 2


def test_without_an_observation_nothing_is_estimated():
    """Unknown is not 0."""
    empty = Histogram(DURATIONS_US)
    assert (empty.mean(), empty.quantile(0.95), empty.share_above(DURATIONS_US[3])) == (None, None, None)


@pytest.mark.parametrize(
    ("share", "estimate"),
    [(0.0, 0.0), (0.5, 1.0), (0.75, 1.5), (1.0, 2.0)],
    ids=["none", "half", "three-quarters", "all"],
)
def test_a_quantile_is_interpolated_within_its_bucket(share, estimate):
    """Two up to 1, two between 1 and 2: as histogram_quantile() of Prometheus has it."""
    assert of(1, 1, 2, 2).quantile(share) == estimate


def test_beyond_the_last_bound_a_quantile_is_that_bound():
    """Nobody knows how far beyond it lies."""
    assert of(50, 60).quantile(0.5) == ATTEMPTS[-1]


def test_the_share_beyond_a_bound():
    """What lies on the bound isn't beyond it."""
    assert of(1, 2, 3, 4).share_above(3) == 0.25
