"""Records a pause or its end, and whether anything changed by it."""

from typing import Literal

from sqlalchemy import Connection

from relais.store.audit import record_action
from relais.store.monitor_pauses import read_pauses


def is_paused(conn: Connection, what: Literal["queue", "agent"], name: str) -> bool:
    """Whether a queue or an agent is paused at this moment."""
    return any((pause.what, pause.name) == (what, name) for pause in read_pauses(conn))


def record_pausing(
    conn: Connection,
    action: Literal["pause", "resume"],
    what: Literal["queue", "agent"],
    name: str,
    *,
    was_paused: bool,
    actor: str,
) -> None:
    """Record it in the transaction that does it; a second pause changed nothing."""
    changed = was_paused == (action == "resume")
    record_action(conn, actor=actor, action=f"{what}.{action}", target={what: name}, changed=int(changed))
