"""A question with the turns of its session before it, as the answering pipeline needs them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from relais.store.schema import answers, messages


@dataclass(frozen=True, slots=True)
class Question:
    """A message that waits for its answer; `seq` is its place in the session."""

    message_id: UUID
    agent_id: UUID
    session_id: UUID
    seq: int
    content: str


@dataclass(frozen=True, slots=True)
class EarlierTurn:
    """A message of the session that was answered."""

    question: str
    answer: str
    grounded: bool


_QUESTION = select(
    messages.c.id.label("message_id"), messages.c.agent_id, messages.c.session_id, messages.c.seq, messages.c.content
).where(messages.c.id == bindparam("message_id"))
_EARLIER = (
    select(messages.c.content.label("question"), answers.c.content.label("answer"), answers.c.grounded)
    .join(answers, answers.c.message_id == messages.c.id)
    .where(messages.c.session_id == bindparam("session_id"), messages.c.seq < bindparam("before"))
    .order_by(messages.c.seq.desc())
    .limit(bindparam("limit"))
)


def find_question(conn: Connection, message_id: UUID) -> Question | None:
    """Find a message by its id, which is also its job's."""
    row = conn.execute(_QUESTION, {"message_id": message_id}).one_or_none()
    return None if row is None else Question(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for it


def read_earlier_turns(conn: Connection, session_id: UUID, *, before: int, limit: int) -> list[EarlierTurn]:
    """Read the newest `limit` answered turns of a session before the message at `before`, oldest first.

    Messages that failed or were cancelled have no answer and are left out.
    """
    rows = conn.execute(_EARLIER, {"session_id": session_id, "before": before, "limit": limit}).all()
    return [EarlierTurn(**row._mapping) for row in reversed(rows)]  # noqa: SLF001 -- SQLAlchemy's public name for it
