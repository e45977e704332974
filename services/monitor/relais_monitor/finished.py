"""Knows how many finished jobs are stored, without counting a million of them for every scrape."""

import math
import time
from collections.abc import Mapping

from sqlalchemy import Connection

from relais.lifecycle import TERMINAL, State
from relais.queues import Kind
from relais.store.backlog import count_finished
from relais_monitor.tally.sums import Sums

_COUNTED_EVERY_S = 60.0
_IDLE_SHARE = 200  # between two counts lies this many times the time that a count takes

Counts = Mapping[tuple[Kind, State], int]


class FinishedJobs:
    """Counts them once in a while and, in between, adds what the ledger gained. One thread at a time.

    What retention deletes isn't in the ledger; it shows with the next count.
    """

    def __init__(self) -> None:
        self.counted_with: int | None = None
        self._counted: Counts = {}
        self._base: Counts = {}
        self._counted_at = -math.inf
        self._took_s = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to count again."""
        return time.monotonic() - self._counted_at >= max(_COUNTED_EVERY_S, _IDLE_SHARE * self._took_s)

    def count(self, conn: Connection, totals: Sums, *, counted_with: int | None) -> None:
        """Count them.

        Args:
            conn: its transaction's snapshot is counted.
            totals: what the ledger says so far.
            counted_with: the tally's beginning, if `totals` hold all that the snapshot shows. Otherwise what is
                counted now can't be carried on with later totals.
        """
        began = time.monotonic()
        self._counted = count_finished(conn)
        self._counted_at = time.monotonic()
        self._took_s = self._counted_at - began
        self._base = {key: count - _gained(totals, *key) for key, count in self._counted.items()}
        self.counted_with = counted_with

    def at(self, totals: Sums) -> Counts:
        """How many there are, by kind and final state, of those counted at least once."""
        if self.counted_with is None:
            return self._counted
        return {key: base + _gained(totals, *key) for key, base in self._base.items()}


def _gained(totals: Sums, kind: Kind, state: State) -> int:
    return totals.count("entered", kind, state) - totals.count("left", kind, state) if state in TERMINAL else 0
