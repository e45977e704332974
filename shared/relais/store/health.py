"""Which parts of the system show signs of life in the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Health:
    """Signs of life: the sweeper's age in seconds (None: it never ran), and the live slots of each queue."""

    sweeper_age_s: float | None
    slots: Mapping[str, int] = field(default_factory=dict)


_SWEEPER = text("SELECT extract(epoch FROM now() - ran_at)::float FROM heartbeats WHERE part = 'sweeper'")
_SLOTS = text("""
SELECT q.name, coalesce(sum(w.slots), 0)::int AS slots
FROM queues q LEFT JOIN workers w
    ON q.name = ANY(w.queues) AND w.stopped_at IS NULL AND w.heartbeat_at > now() - interval '30 seconds'
GROUP BY q.name""")


def read_health(conn: Connection) -> Health:
    """Read the signs of life."""
    slots = {row.name: row.slots for row in conn.execute(_SLOTS)}
    return Health(conn.execute(_SWEEPER).scalar_one_or_none(), slots)
