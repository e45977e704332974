"""Follows the ledger: reads each event once, however late it was committed and however often the process starts."""

import time
from pathlib import Path

import structlog
from sqlalchemy import Connection

from relais.store.ledger import (
    Ends,
    find_gaps,
    id_after,
    is_same_ledger,
    is_whole,
    job_at,
    last_id_before,
    read_ends,
    read_events,
)
from relais_monitor.tally.minutes import KEPT_S
from relais_monitor.tally.recording import record_total
from relais_monitor.tally.state import TallyState
from relais_monitor.tally.state_file import StateFile

# Read in some seconds, in the background; a longer ledger gives the last day only.
_LONGEST_REBUILD = 1_000_000
_STEP = 5_000
_MOST_MISSING = 100_000

log = structlog.get_logger(__name__)


class Tally:
    """Totals, histograms and the last day's minutes. One thread at a time.

    With a state file, a new process continues where the last one was. Without one, totals begin with all that the
    ledger holds, as long as it is whole and short, so that a restart changes nothing. Otherwise they begin at 0: a
    total that drops by what was pruned would look to Prometheus like a reset followed by that many new events.

    `beginnings` counts how often they began: more than once when another ledger was found in place of the last. `ready`
    is whether they have caught up with the ledger since; before, a restart would let them go down for a while.

    Args:
        home: folder of the state file; None for none.
        longest_rebuild: events of the longest ledger that totals are made from anew.
    """

    def __init__(self, home: Path | None = None, *, longest_rebuild: int = _LONGEST_REBUILD) -> None:
        self._longest_rebuild = longest_rebuild
        self._file = None if home is None else StateFile(home)
        self.beginnings = 0
        self.ready = False
        self._loaded = False
        self.state = TallyState()

    def update(self, conn: Connection, *, patient: bool = False, budget_s: float = 0.5) -> bool:
        """Read what the ledger gained; False when there is more of it.

        The caller's transaction must be REPEATABLE READ. A failure leaves the state at the end of a step.

        Args:
            conn: the connection.
            patient: whether there is time to begin with a ledger that has much to read.
            budget_s: no further step begins after this time.
        """
        if not self._loaded:
            self._loaded = True
            self.state = (self._file and self._file.load()) or self.state
        if not (self.ready or patient) and read_ends(conn).newest - self.state.top > _STEP:
            return False
        self._take_up(conn)
        ends = read_ends(conn, settled=self.state.settled)
        deadline = time.monotonic() + budget_s
        self._step(conn, ends)
        while self.state.top < ends.newest and time.monotonic() < deadline:
            self._step(conn, ends)
        self.state.minutes.forget_before(ends.now)
        is_complete = self.state.top >= ends.newest
        self.ready = self.ready or is_complete
        return is_complete

    def _take_up(self, conn: Connection) -> None:
        """Begin, or make sure that the ledger is the one that was read so far."""
        if not self.beginnings:
            self.beginnings = 1
            if self.state.mark is None:
                self.state = self._begin(conn)
        if not is_same_ledger(conn, self.state.top, self.state.mark):
            log.warning("tally.begins_anew", reason="the ledger is another one: restored from a backup?")
            self.state = self._begin(conn)
            self.beginnings += 1
            self.ready = False

    def save(self, *, at_once: bool = False) -> None:
        """Write the state to its file, if there is one; now and then, unless `at_once`."""
        if self._file and self.beginnings:
            (self._file.save if at_once else self._file.save_now_and_then)(self.state)

    def _begin(self, conn: Connection) -> TallyState:
        if is_whole(conn, longest=self._longest_rebuild):
            return TallyState()
        newest, a_day_ago = read_ends(conn).newest, last_id_before(conn, seconds=KEPT_S)
        return TallyState(top=a_day_ago, mark=job_at(conn, a_day_ago), settled=a_day_ago, counts_after=newest)

    def _step(self, conn: Connection, ends: Ends) -> None:
        state = self.state
        upto = id_after(conn, state.top, events=_STEP) if ends.newest - state.top > _STEP else ends.newest
        if upto == state.top and not state.missing:
            state.settled = ends.settled
            return
        events = read_events(conn, after=state.top, upto=upto, missing=state.missing)
        gaps = find_gaps(conn, after=max(state.top, ends.settled), upto=upto, limit=_MOST_MISSING)
        mark = job_at(conn, upto)
        # Nothing fails from here on: what is counted and where it ends change together.
        for event in events:
            if event.id > state.counts_after:
                record_total(state.totals, event)
            state.minutes.record(event)
        found = {event.id for event in events}
        state.missing = {id_ for id_ in state.missing if id_ > ends.settled and id_ not in found} | set(gaps)
        state.top, state.mark, state.settled = upto, mark, ends.settled
