"""Counts the ledger's events since the beginning, without ever counting down."""

from collections import Counter

from sqlalchemy import Connection

from relais.store.ledger import EventKey, count_events, is_whole, settled_end

# Counted in about two seconds; a longer ledger would keep the first scrape waiting for its figures.
_LONGEST_REBUILD = 1_000_000


class Tally:
    """Totals by event. One thread at a time.

    As long as the ledger is whole and short, totals begin with all that it holds, so that a restart changes nothing.
    Afterwards they begin at 0 with the process: a total that drops by what was pruned would look to Prometheus like a
    reset followed by that many new events.
    """

    def __init__(self, *, longest_rebuild: int = _LONGEST_REBUILD) -> None:
        self._longest_rebuild = longest_rebuild
        self._cursor: int | None = None
        self._settled: Counter[EventKey] = Counter()

    def update(self, conn: Connection) -> Counter[EventKey]:
        """Read what the ledger added; return the totals. A failure leaves the tally as it was."""
        cursor = self._begin(conn) if self._cursor is None else self._cursor
        found = count_events(conn, after=cursor)
        self._settled.update(found.settled)
        self._cursor = found.cursor
        totals = Counter(self._settled)
        totals.update(found.fresh)
        return totals

    def _begin(self, conn: Connection) -> int:
        if is_whole(conn, longest=self._longest_rebuild):
            return 0
        cursor = settled_end(conn)
        early = count_events(conn, after=cursor)
        self._settled = Counter()  # below zero, since what is young is counted again although it came before us
        self._settled.subtract(early.settled)
        self._settled.subtract(early.fresh)
        return cursor
