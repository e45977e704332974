"""Which parts of the system show signs of life in the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from relais.store.workers import alive_sql


@dataclass(frozen=True, slots=True)
class Health:
    """Signs of life.

    Args:
        sweeper_age_s: since the sweeper ran; None: it never did.
        slots: of live workers, by queue.
        workers: how many live.
        waiting_for: how many of them wait for each part that is down, as they last saw it.
    """

    sweeper_age_s: float | None
    slots: Mapping[str, int] = field(default_factory=dict)
    workers: int = 0
    waiting_for: Mapping[str, int] = field(default_factory=dict)


_SWEEPER = text("SELECT extract(epoch FROM now() - ran_at)::float FROM heartbeats WHERE part = 'sweeper'")
_SLOTS = text(f"""
SELECT q.name, coalesce(sum(w.slots), 0)::int AS slots
FROM queues q LEFT JOIN workers w
    ON q.name = ANY(w.queues) AND {alive_sql("w")}
GROUP BY q.name""")

_PARTS = text(f"""
WITH present AS (
    SELECT id, waiting_for FROM workers WHERE {alive_sql("workers")})
SELECT NULL AS part, count(*) AS workers FROM present
UNION ALL
SELECT part, count(*) FROM present, unnest(waiting_for) part GROUP BY part""")


def read_health(conn: Connection) -> Health:
    """Read the signs of life."""
    slots = {row.name: row.slots for row in conn.execute(_SLOTS)}
    by_part = {row.part: row.workers for row in conn.execute(_PARTS)}
    return Health(conn.execute(_SWEEPER).scalar_one_or_none(), slots, by_part.pop(None), by_part)
