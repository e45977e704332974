"""What a tally remembers, as one value that can be written down."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from relais_monitor.tally.histogram import ATTEMPTS, DURATIONS_US
from relais_monitor.tally.minutes import Minutes
from relais_monitor.tally.sums import Sums

# Rises when what is recorded changes; bounds count too. A state of another layout is not read: the ledger is, again.
_LAYOUT = [2, *ATTEMPTS, *DURATIONS_US]


@dataclass(slots=True)
class TallyState:
    """A place in the ledger, and everything counted up to it: only together do they mean something.

    Args:
        top: the newest event read.
        mark: its job, by which the ledger is known again.
        settled: up to here nothing can come any more.
        missing: ids between `settled` and `top` that weren't there, and may yet come.
        counts_after: events above it are in the totals; older ones only in their minutes.
        totals: since the beginning.
        minutes: of the last day.
    """

    top: int = 0
    mark: UUID | None = None
    settled: int = 0
    missing: set[int] = field(default_factory=set)
    counts_after: int = 0
    totals: Sums = field(default_factory=Sums)
    minutes: Minutes = field(default_factory=Minutes)

    def to_plain(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "layout": _LAYOUT,
            "top": self.top,
            "mark": None if self.mark is None else str(self.mark),
            "settled": self.settled,
            "missing": sorted(self.missing),
            "counts_after": self.counts_after,
            "totals": self.totals.to_plain(),
            "minutes": self.minutes.to_plain(),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "TallyState":
        """Read what `to_plain` gave.

        Raises:
            ValueError, LookupError, TypeError: it is something else, or of another layout.
        """
        if plain["layout"] != _LAYOUT:
            raise ValueError("written by another release")
        return cls(
            top=int(plain["top"]),
            mark=None if plain["mark"] is None else UUID(plain["mark"]),
            settled=int(plain["settled"]),
            missing=set(plain["missing"]),
            counts_after=int(plain["counts_after"]),
            totals=Sums.from_plain(plain["totals"]),
            minutes=Minutes.from_plain(plain["minutes"]),
        )
