"""Counts observations by size."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

# Upper bounds. Whole numbers, durations in microseconds, add up to the same in any order: a replay changes no sum.
DURATIONS_US = tuple(
    round(seconds * 1_000_000)
    for seconds in (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600)
)
ATTEMPTS = (1, 2, 3, 4, 5, 10)


class Histogram:
    """How many observations lie up to each bound and beyond the last, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[int], counts: Sequence[int] = (), total: int = 0) -> None:
        self.bounds = bounds
        self.counts = list(counts) or [0] * (len(bounds) + 1)
        self.total = total

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts)

    def add(self, value: int) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def merge(self, other: "Histogram") -> None:
        """Add what another one with the same bounds counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def copy(self) -> "Histogram":
        """The same, to change on its own."""
        return Histogram(self.bounds, self.counts, self.total)

    def mean(self) -> float | None:
        """The mean; None without an observation."""
        return self.total / self.count if self.count else None

    def share_above(self, bound: int) -> float | None:
        """The share of observations beyond one of the bounds; None without any."""
        return self.count_above(bound) / self.count if self.count else None

    def count_above(self, bound: int) -> int:
        """How many observations lie beyond one of the bounds."""
        return sum(self.counts[self.bounds.index(bound) + 1 :])

    def quantile(self, share: float) -> float | None:
        """Estimate the value that a share of the observations doesn't exceed, as Prometheus does; None without any.

        Within a bucket values count as spread evenly; beyond the last bound nothing is known but that bound.
        """
        if not self.count:
            return None
        rank = share * self.count
        running = list(accumulate(self.counts))
        place = bisect_left(running, rank)
        if place >= len(self.bounds):
            return float(self.bounds[-1])
        low = self.bounds[place - 1] if place else 0
        before = running[place] - self.counts[place]
        within = (rank - before) / self.counts[place] if self.counts[place] else 1.0
        return low + (self.bounds[place] - low) * within
