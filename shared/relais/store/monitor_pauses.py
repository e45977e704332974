"""Reads what operators paused: queues and agents."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Pause:
    """A queue or an agent of which nothing is claimed; `what` is `queue` or `agent`."""

    what: str
    name: str
    since: datetime


_PAUSES = text("""
SELECT 'queue' AS what, name, paused_at FROM queues WHERE paused_at IS NOT NULL
UNION ALL
SELECT 'agent', slug, paused_at FROM agents WHERE paused_at IS NOT NULL AND deleted_at IS NULL
ORDER BY 1 DESC, 2""")


def read_pauses(conn: Connection) -> list[Pause]:
    """Everything that is paused, queues first."""
    return [Pause(*row) for row in conn.execute(_PAUSES)]
