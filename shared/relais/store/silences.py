"""Silences of alerts: for how long nobody is told that a rule fires, who wanted so, and why."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

_COLUMNS = "id, rule, created_at, ends_at, actor, reason"
_ADD = text(f"""
INSERT INTO silences (rule, ends_at, actor, reason)
VALUES (:rule, now() + make_interval(mins => :minutes), :actor, :reason) RETURNING {_COLUMNS}""")
_ACTIVE = text(f"SELECT {_COLUMNS} FROM silences WHERE ends_at > now() ORDER BY ends_at, id")
# The row stays, as the record of who had silenced what until when.
_END = text(f"UPDATE silences SET ends_at = now() WHERE id = :id AND ends_at > now() RETURNING {_COLUMNS}")


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told that `rule` fires until `ends_at`."""

    id: int
    rule: str
    created_at: datetime
    ends_at: datetime
    actor: str
    reason: str


def add_silence(conn: Connection, *, rule: str, minutes: int, actor: str, reason: str) -> Silence:
    """Silence a rule from now on."""
    values = {"rule": rule, "minutes": minutes, "actor": actor, "reason": reason}
    return Silence(*conn.execute(_ADD, values).one())


def active_silences(conn: Connection) -> list[Silence]:
    """Those that hold at this moment, the one that ends first at the top."""
    return [Silence(*row) for row in conn.execute(_ACTIVE)]


def end_silence(conn: Connection, silence_id: int) -> Silence | None:
    """End a silence now; None when there is none of this id, or it ended before."""
    row = conn.execute(_END, {"id": silence_id}).one_or_none()
    return None if row is None else Silence(*row)
