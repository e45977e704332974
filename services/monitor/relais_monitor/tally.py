"""Counts the ledger's events since the beginning, without ever counting down."""

from collections import Counter

from sqlalchemy import Connection

from relais.store.ledger import EventKey, count_events, is_whole


class Tally:
    """Totals by event. One thread at a time.

    As long as nothing was pruned, totals begin with all that the ledger holds, so that a restart changes nothing.
    Afterwards they begin at 0 with the process: a total that drops by what was pruned would look to Prometheus like a
    reset followed by that many new events.
    """

    def __init__(self) -> None:
        self._cursor: int | None = None
        self._settled: Counter[EventKey] = Counter()

    def update(self, conn: Connection) -> Counter[EventKey]:
        """Read what the ledger added; return the totals. A failure leaves the tally as it was."""
        if self._cursor is None:
            return self._begin(conn)
        return self._continue(conn, self._cursor)

    def _begin(self, conn: Connection) -> Counter[EventKey]:
        whole = is_whole(conn)
        found = count_events(conn, after=0)
        totals = Counter(found.settled)
        if not whole:
            totals = Counter()
            totals.subtract(found.fresh)  # they will be counted again, and came before the beginning
        self._settled, self._cursor = totals, found.cursor
        return self._total(Counter(found.fresh))

    def _continue(self, conn: Connection, cursor: int) -> Counter[EventKey]:
        found = count_events(conn, after=cursor)
        self._settled.update(found.settled)
        self._cursor = found.cursor
        return self._total(Counter(found.fresh))

    def _total(self, fresh: Counter[EventKey]) -> Counter[EventKey]:
        totals = Counter(self._settled)
        totals.update(fresh)
        return totals
