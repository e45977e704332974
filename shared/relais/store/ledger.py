"""Counts what the ledger adds, from where the last count ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from relais.lifecycle import CANCEL, COMPLETE, EXPIRE, EXPIRE_SPENT, FAIL, RETRY_LATER

SUPERSEDED = "superseded"  # not a transition: a result that the fence kept out
COUNTED = (COMPLETE.name, FAIL.name, CANCEL.name, RETRY_LATER.name, EXPIRE.name, EXPIRE_SPENT.name, SUPERSEDED)

# An identity is taken before its transaction commits, so a lower id may appear after a higher one. What is younger than
# the longest transaction (statements end after 15 s, idle ones after 10 s) is therefore counted again each time.
SETTLED_AFTER_S = 60


@dataclass(frozen=True, slots=True)
class EventKey:
    """What events are counted by."""

    kind: str
    agent_id: UUID
    transition: str
    to_state: str
    error_code: str | None


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """Counts of the events after a cursor: up to `cursor`, which no transaction can add to any more, and beyond."""

    cursor: int
    settled: Mapping[EventKey, int]
    fresh: Mapping[EventKey, int]


_NAMES = ", ".join(f"'{name}'" for name in COUNTED)
_COUNT = text(f"""
WITH upto AS (
    SELECT coalesce(max(id), :cursor) AS id FROM job_events
    WHERE id > :cursor AND at < now() - make_interval(secs => :settled_after_s)),
counted AS (
    SELECT e.id <= upto.id AS settled, j.kind, j.agent_id, e.transition, e.to_state, e.error_code, count(*) AS events
    FROM job_events e JOIN every_job j ON j.id = e.job_id CROSS JOIN upto
    WHERE e.id > :cursor AND e.transition IN ({_NAMES})
    GROUP BY 1, 2, 3, 4, 5, 6)
SELECT upto.id AS cursor, counted.* FROM upto LEFT JOIN counted ON true""")
_SETTLED_END = text("""
SELECT coalesce(max(id), 0) FROM job_events WHERE at < now() - make_interval(secs => :settled_after_s)""")
# The size is asked first, so that a long ledger is not counted only to be given up.
_IS_WHOLE = text("""
SELECT CASE WHEN coalesce(max(id), 0) > :longest THEN false
            ELSE coalesce(min(id), 1) = 1
                 AND (SELECT count(*) FROM job_events WHERE transition = 'accept')
                     = (SELECT count(*) FROM every_job) END
FROM job_events""")


def count_events(conn: Connection, *, after: int, settled_after_s: float = SETTLED_AFTER_S) -> LedgerCounts:
    """Count the events with ids above `after`; the next call continues at the returned cursor.

    Events whose job was pruned are left out, since kind and agent are the job's.
    """
    rows = list(conn.execute(_COUNT, {"cursor": after, "settled_after_s": settled_after_s}))
    counted = [row for row in rows if row.events is not None]
    settled, fresh = (
        {
            EventKey(row.kind, row.agent_id, row.transition, row.to_state, row.error_code): row.events
            for row in counted
            if row.settled is want
        }
        for want in (True, False)
    )
    return LedgerCounts(rows[0].cursor, settled, fresh)


def settled_end(conn: Connection) -> int:
    """The id up to which no transaction can add events any more."""
    return int(conn.execute(_SETTLED_END, {"settled_after_s": SETTLED_AFTER_S}).scalar_one())


def is_whole(conn: Connection, *, longest: int) -> bool:
    """Tell whether the ledger has at most `longest` entries and nothing was pruned yet.

    Nothing was pruned when it begins at its beginning and the job of every acceptance is there.
    """
    return bool(conn.execute(_IS_WHOLE, {"longest": longest}).scalar_one())
