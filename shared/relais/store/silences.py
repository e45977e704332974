"""Reads the silences of alerts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Silence:
    """That nobody is to be told of an alert's firing until `ends_at`."""

    id: int
    rule: str
    created_at: datetime
    ends_at: datetime
    actor: str
    reason: str


_ACTIVE = text("""
SELECT id, rule, created_at, ends_at, actor, reason FROM silences WHERE ends_at > now() ORDER BY ends_at, id""")


def active_silences(conn: Connection) -> list[Silence]:
    """The silences that still hold, the one that ends first before the others."""
    return [Silence(*row) for row in conn.execute(_ACTIVE)]
