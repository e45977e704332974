"""Knows how many finished jobs are stored, without counting a million of them for every scrape."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from relais.lifecycle import TERMINAL, State
from relais.queues import Kind
from relais.store.backlog import count_finished
from relais_monitor.tally.sums import Sums

_COUNTED_EVERY_S = 60.0
_IDLE_SHARE = 200  # between two counts lies this many times the time that a count takes

Counts = Mapping[tuple[Kind, State], int]


@dataclass(frozen=True, slots=True)
class _Counted:
    """What was counted; `base` is that without what the ledger had gained since its beginning `counted_with`."""

    counts: Counts
    base: Counts
    counted_with: int | None


class FinishedJobs:
    """Counts them once in a while and, in between, adds what the ledger gained. One thread at a time counts.

    What retention deletes isn't in the ledger; it shows with the next count. A count that fails costs nothing but the
    time until the next one.
    """

    def __init__(self) -> None:
        self._known: _Counted | None = None
        self._tried_with: int | None = None
        self._tried_at = -math.inf
        self._took_s = 0.0

    def due(self, beginning: int | None) -> bool:
        """Whether it is time to count again: at times, and at once when totals began to hold all or began anew."""
        waited_s = time.monotonic() - self._tried_at
        return beginning != self._tried_with or waited_s >= max(_COUNTED_EVERY_S, _IDLE_SHARE * self._took_s)

    def count(self, conn: Connection, totals: Sums, *, counted_with: int | None) -> None:
        """Count them.

        Args:
            conn: its transaction's snapshot is counted.
            totals: what the ledger says in that snapshot.
            counted_with: the tally's beginning, if `totals` hold all that the snapshot shows. Otherwise what is
                counted now can't be carried on with later totals.
        """
        self._tried_with = counted_with
        began = time.monotonic()
        try:
            counts = count_finished(conn)
        finally:
            self._tried_at = time.monotonic()
            self._took_s = self._tried_at - began
        base = {key: count - _gained(totals, *key) for key, count in counts.items()}
        self._known = _Counted(counts, base, counted_with)

    def at(self, totals: Sums, beginning: int | None) -> Counts:
        """How many there are, by kind and final state; nothing before they were counted.

        Args:
            totals: what the ledger says by now.
            beginning: that of the totals, as `count` was given it.
        """
        known = self._known
        if known is None or known.counted_with not in {None, beginning}:
            return {}
        if known.counted_with is None:
            return known.counts
        return {key: base + _gained(totals, *key) for key, base in known.base.items()}


def _gained(totals: Sums, kind: Kind, state: State) -> int:
    return totals.count("entered", kind, state) - totals.count("left", kind, state) if state in TERMINAL else 0
