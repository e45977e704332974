"""A session's conversation, page by page."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from relais.store.schema import messages, sessions
from relais.store.status import STATUS_COLUMNS, STATUS_SOURCE, MessageStatus, as_status


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with what became of it; `seq` orders a session's turns."""

    status: MessageStatus
    question: str
    seq: int


_EXISTS = select(sessions.c.id).where(sessions.c.id == bindparam("session_id"))
_PAGE = (
    select(*STATUS_COLUMNS, messages.c.content.label("question"), messages.c.seq)
    .select_from(STATUS_SOURCE)
    .where(messages.c.session_id == bindparam("session_id"), messages.c.seq > bindparam("after"))
    .order_by(messages.c.seq)
    .limit(bindparam("limit"))
)


def read_session(conn: Connection, session_id: UUID, *, after: int, limit: int) -> list[Turn] | None:
    """Read a session's turns after a `seq`, oldest first; None when there is no such session."""
    if conn.execute(_EXISTS, {"session_id": session_id}).one_or_none() is None:
        return None
    rows = conn.execute(_PAGE, {"session_id": session_id, "after": after, "limit": limit})
    return [Turn(as_status(row), row.question, row.seq) for row in rows]
