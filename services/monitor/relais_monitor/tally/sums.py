"""Named counters and histograms with labels, which can be added up and written down."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from relais_monitor.tally.histogram import ATTEMPTS, DURATIONS_US, Histogram

Labels = tuple[str, ...]
_BOUNDS = {"attempts": ATTEMPTS}


def bounds_of(name: str) -> tuple[int, ...]:
    """The bounds of a histogram's buckets."""
    return _BOUNDS.get(name, DURATIONS_US)


class Sums:
    """Counters and histograms by name and labels; what was never counted is 0."""

    __slots__ = ("counter_by_key", "histogram_by_key")

    def __init__(self) -> None:
        self.counter_by_key: Counter[Labels] = Counter()
        self.histogram_by_key: dict[Labels, Histogram] = {}

    def add(self, name: str, *labels: str, by: int = 1) -> None:
        """Let a counter grow."""
        self.counter_by_key[name, *labels] += by

    def observe(self, name: str, *labels: str, value: int) -> None:
        """Add an observation to a histogram."""
        key = (name, *labels)
        if key not in self.histogram_by_key:
            self.histogram_by_key[key] = Histogram(bounds_of(name))
        self.histogram_by_key[key].add(value)

    def merge(self, other: "Sums") -> None:
        """Add what another one holds."""
        self.counter_by_key.update(other.counter_by_key)
        for key, histogram in other.histogram_by_key.items():
            if key in self.histogram_by_key:
                self.histogram_by_key[key].merge(histogram)
            else:
                self.histogram_by_key[key] = histogram.copy()

    def copy(self) -> "Sums":
        """The same, to change on its own."""
        twin = Sums()
        twin.merge(self)
        return twin

    def count(self, name: str, *labels: str) -> int:
        """The sum of a counter over all series whose labels begin with these."""
        return sum(count for found, count in self.counters(name) if found[: len(labels)] == labels)

    def counters(self, name: str) -> Iterator[tuple[Labels, int]]:
        """A counter's series: labels and count."""
        return ((key[1:], count) for key, count in self.counter_by_key.items() if key[0] == name)

    def histogram(self, name: str, *labels: str) -> Histogram:
        """A histogram over all series whose labels begin with these."""
        whole = Histogram(bounds_of(name))
        for found, histogram in self.histograms(name):
            if found[: len(labels)] == labels:
                whole.merge(histogram)
        return whole

    def histograms(self, name: str) -> Iterator[tuple[Labels, Histogram]]:
        """A histogram's series."""
        return ((key[1:], histogram) for key, histogram in self.histogram_by_key.items() if key[0] == name)

    def to_plain(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "counters": [[*key, count] for key, count in self.counter_by_key.items()],
            "histograms": [[*key, h.counts, h.total] for key, h in self.histogram_by_key.items()],
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Sums":
        """Read what `to_plain` gave."""
        sums = cls()
        sums.counter_by_key.update({tuple(key): count for *key, count in plain["counters"]})
        sums.histogram_by_key.update(
            {tuple(key): Histogram(bounds_of(key[0]), counts, total) for *key, counts, total in plain["histograms"]}
        )
        return sums
