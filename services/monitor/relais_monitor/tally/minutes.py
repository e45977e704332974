"""The last day, minute by minute."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relais.store.ledger import LedgerEvent
from relais_monitor.tally.recording import record_minute
from relais_monitor.tally.sums import Sums

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400
KEPT_S = DAY_S + HOUR_S  # a plot of the last day begins with a whole step


@dataclass(frozen=True, slots=True)
class Day:
    """The minutes as they were at one moment, by their beginning in seconds since 1970, and their hours."""

    minutes: Mapping[int, Sums]
    hours: Mapping[int, Sums]

    def sums(self, since: int, until: int) -> Sums:
        """Add up from one minute's beginning to another's; whole hours at once."""
        whole = Sums()
        at = since
        while at < until:
            is_hour = at % HOUR_S == 0 and at + HOUR_S <= until
            part = (self.hours if is_hour else self.minutes).get(at)
            if part is not None:
                whole.merge(part)
            at += HOUR_S if is_hour else MINUTE_S
        return whole


class Minutes:
    """Gathers events into the minutes and hours they happened in; times without an event take no room."""

    def __init__(self) -> None:
        self._minutes = _Buckets(MINUTE_S)
        self._hours = _Buckets(HOUR_S)

    def record(self, event: LedgerEvent) -> None:
        """Add an event to its minute."""
        record_minute(self._minutes.own(event.at), event)
        record_minute(self._hours.own(event.at), event)

    def forget_before(self, now: float) -> None:
        """Let go of what is older than a day."""
        self._minutes.forget_before(now - KEPT_S)
        self._hours.forget_before(now - KEPT_S)

    def view(self) -> Day:
        """The day as it is now; what is recorded later doesn't show in it."""
        return Day(self._minutes.view(), self._hours.view())

    def to_plain(self) -> list[Any]:
        """Give it as what JSON can hold."""
        return [[start, sums.to_plain()] for start, sums in self._minutes.view().items()]

    @classmethod
    def from_plain(cls, plain: list[Any]) -> "Minutes":
        """Read what `to_plain` gave."""
        minutes = cls()
        for start, written in plain:
            sums = Sums.from_plain(written)
            minutes._minutes.own(start).merge(sums)
            minutes._hours.own(start).merge(sums)
        return minutes


class _Buckets:
    """Sums by time; one that somebody views is copied before it changes."""

    def __init__(self, length_s: int) -> None:
        self._length_s = length_s
        self._by_start: dict[int, Sums] = {}
        self._viewed: set[int] = set()

    def own(self, at: float) -> Sums:
        start = int(at) // self._length_s * self._length_s
        if start not in self._by_start:
            self._by_start[start] = Sums()
        elif start in self._viewed:
            self._by_start[start] = self._by_start[start].copy()
        self._viewed.discard(start)
        return self._by_start[start]

    def forget_before(self, at: float) -> None:
        self._by_start = {start: sums for start, sums in self._by_start.items() if start + self._length_s > at}

    def view(self) -> Mapping[int, Sums]:
        self._viewed = set(self._by_start)
        return dict(self._by_start)
