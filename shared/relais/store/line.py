"""The line before each queue: exact positions at a cost that doesn't grow with the line.

Tickets of a lane are gapless, so the jobs ahead of ticket t number t - 1 - w, where w is the highest ticket ever
claimed (the watermark), less the holes above w (tickets given up before any claim), plus those at or below w that wait
again or still (returned for another attempt, or kept back by their session). Both sets are small. One statement reads
them in one snapshot; positions are then arithmetic. The tests' oracle is the naive count.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from relais.store.transitions import WAITING_SQL
from relais.store.workers import alive_sql

# Of a job `j` that waits. A person's retry begins a new wait, and announces the job in the same statement; one that
# was never claimed before it has 0 there.
WAITS_SINCE = "CASE WHEN j.claimed_ticket IS NULL THEN j.created_at ELSE coalesce(j.announced_at, j.created_at) END"
WATERMARK = """greatest(l.watermark, coalesce((
    SELECT max(c.claimed_ticket) FROM jobs c
    WHERE c.queue = l.queue AND c.priority = l.priority AND c.claimed_ticket > 0), 0))"""

_READ_LANES = text(f"""
SELECT l.queue, l.priority, l.last_ticket, w.watermark,
       (SELECT coalesce(array_agg(j.ticket ORDER BY j.ticket), '{{}}') FROM jobs j
        WHERE j.queue = l.queue AND j.priority = l.priority AND j.state IN {WAITING_SQL}
          AND j.ticket <= w.watermark) AS waiting_behind,
       (SELECT coalesce(array_agg(h.ticket ORDER BY h.ticket), '{{}}') FROM ticket_holes h
        WHERE h.queue = l.queue AND h.priority = l.priority AND h.ticket > w.watermark) AS holes
FROM lanes l CROSS JOIN LATERAL (SELECT {WATERMARK} AS watermark) w
ORDER BY l.queue, l.priority""")

# The jobs of a queue `q` by which its pace is measured; retention leaves them where they are.
MEASURED = """
    SELECT id, finished_at, started_at FROM jobs
    WHERE queue = q.name AND state = 'completed' AND finished_at > now() - interval '1 hour'
    ORDER BY finished_at DESC LIMIT 50"""

# The time that a slot is busy with a job, over the last ones completed, and the slots of live workers that may claim:
# one that waits for a part doesn't. While they all do, `waiting_for` says for which.
_READ_PACE = text(f"""
SELECT q.name AS queue, pace.mean_s, coalesce(capacity.slots, 0) AS slots,
       CASE WHEN capacity.slots IS NULL THEN capacity.waiting_for END AS waiting_for,
       extract(epoch FROM now() - greatest(pace.finished_at, running.started_at))::float AS still_s
FROM queues q
LEFT JOIN LATERAL (
    SELECT avg(extract(epoch FROM r.finished_at - r.started_at)) AS mean_s, max(r.finished_at) AS finished_at
    FROM ({MEASURED}) r) pace ON true
LEFT JOIN LATERAL (
    SELECT sum(w.slots) FILTER (WHERE w.waiting_for = '{{}}') AS slots,
           (SELECT array_agg(DISTINCT part ORDER BY part) FROM workers v, unnest(v.waiting_for) part
            WHERE {alive_sql("v")} AND q.name = ANY(v.queues)) AS waiting_for
    FROM workers w
    WHERE {alive_sql("w")} AND q.name = ANY(w.queues)) capacity ON true
LEFT JOIN LATERAL (
    SELECT max(j.started_at) AS started_at FROM leases l JOIN jobs j ON j.id = l.job_id
    WHERE j.queue = q.name) running ON true
""")


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane in one snapshot. Ticket lists are ascending."""

    queue: str
    priority: int
    last_ticket: int
    watermark: int
    waiting_behind: Sequence[int]
    holes: Sequence[int]

    def waiting(self) -> int:
        """How many wait in this lane."""
        return self.last_ticket - self.watermark - len(self.holes) + len(self.waiting_behind)

    def ahead_of(self, ticket: int) -> int:
        """How many of this lane wait with a smaller ticket."""
        if ticket <= self.watermark:
            return bisect_left(self.waiting_behind, ticket)
        return ticket - 1 - self.watermark - bisect_left(self.holes, ticket) + len(self.waiting_behind)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a queue drains: mean seconds a job takes (None: unknown), live slots, seconds since it last moved.

    `waiting_for` names the parts that are down when there are live workers and all of them wait for one.
    """

    mean_s: float | None
    slots: int
    still_s: float | None = None
    waiting_for: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """Every lane, and the pace of every queue, at one moment."""

    lanes: Sequence[Lane]
    pace: dict[str, Pace] = field(default_factory=dict)

    def position(self, queue: str, priority: int, ticket: int) -> int:
        """The place of a waiting job, from 1: by priority, then by ticket."""
        # A lane that opened after the snapshot had nothing claimed in it.
        own = Lane(queue, priority, last_ticket=0, watermark=0, waiting_behind=(), holes=())
        ahead = 0
        for lane in self.lanes:
            if lane.queue == queue and lane.priority == priority:
                own = lane
            elif lane.queue == queue and lane.priority < priority:
                ahead += lane.waiting()
        return max(1, ahead + own.ahead_of(ticket) + 1)

    def eta_seconds(self, queue: str, priority: int, ticket: int) -> float | None:
        """Seconds until the answer at the measured pace; None while nothing is known to measure by."""
        pace = self.pace.get(queue)
        if pace is None or pace.mean_s is None or pace.slots == 0:
            return None
        rounds = (self.position(queue, priority, ticket) - 1) // pace.slots + 1
        return round(rounds * pace.mean_s, 1)

    def seconds_until_started(self, queue: str, starts: int) -> float | None:
        """Seconds until so many more jobs of a queue have started; None while nothing is known to measure by.

        That is max(starts * mean_s / slots, still_s). Live slots that are busy with a job for `mean_s`, the mean of
        the last 50 completed within the hour, start one every mean_s / slots. A line that has stood still for `still_s`
        (no job started or completed) may well do so for as long again, whatever its pace was.
        """
        pace = self.pace.get(queue)
        if pace is None or pace.mean_s is None or pace.slots == 0:
            return None
        return max(starts * pace.mean_s / pace.slots, pace.still_s or 0.0)

    def waiting_for(self, queue: str) -> Sequence[str]:
        """The parts that are down, if none of the queue's workers claims anything because of them."""
        pace = self.pace.get(queue)
        return () if pace is None else pace.waiting_for

    def waiting(self, queue: str) -> int:
        """How many wait in a queue."""
        return sum(lane.waiting() for lane in self.lanes if lane.queue == queue)


def read_lines(conn: Connection) -> Lines:
    """Read the lines of all queues; the cost depends on the exceptions, not on the length."""
    lanes = _read_lanes(conn)
    pace = {
        row.queue: Pace(
            None if row.mean_s is None else float(row.mean_s), int(row.slots), row.still_s, tuple(row.waiting_for or ())
        )
        for row in conn.execute(_READ_PACE)
    }
    return Lines(lanes, pace)


def count_waiting(conn: Connection, queue: str) -> int:
    """Count those who wait in a queue, exactly and at the same cost however many they are."""
    return Lines(_read_lanes(conn)).waiting(queue)


def _read_lanes(conn: Connection) -> list[Lane]:
    return [
        Lane(row.queue, row.priority, row.last_ticket, row.watermark, row.waiting_behind, row.holes)
        for row in conn.execute(_READ_LANES)
    ]
