"""Where messages are: one row per message with its job's state and, once completed, its answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, text

from relais.lifecycle import WAITING, State
from relais.queues import AI_MESSAGES
from relais.store.schema import answers, every_job, messages


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """Everything the status body tells, except what the line adds (position, estimate).

    `content` and what follows it are None until the message is completed.
    """

    message_id: UUID
    session_id: UUID
    state: State
    queue: str
    priority: int
    ticket: int
    attempt: int
    run_at: datetime | None
    error_code: str | None
    error: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    content: str | None
    citations: list[dict[str, Any]] | None
    grounded: bool | None
    model: str | None
    tokens_prompt: int | None
    tokens_completion: int | None
    generation_time_ms: int | None

    @property
    def waiting(self) -> bool:
        """Whether it has a place in the line."""
        return self.state in WAITING


@dataclass(frozen=True, slots=True)
class Progress:
    """The part of a status that changes while somebody watches, and the text that was added to the draft."""

    message_id: UUID
    state: State
    attempt: int
    run_at: datetime | None
    draft_attempt: int | None
    draft_offset: int
    added_text: str


STATUS_COLUMNS = (
    messages.c.id.label("message_id"),
    messages.c.session_id,
    every_job.c.state,
    every_job.c.queue,
    every_job.c.priority,
    every_job.c.ticket,
    every_job.c.attempt,
    every_job.c.run_at,
    every_job.c.error_code,
    every_job.c.error,
    messages.c.created_at.label("queued_at"),
    every_job.c.started_at,
    every_job.c.finished_at,
    answers.c.content,
    answers.c.citations,
    answers.c.grounded,
    answers.c.model,
    answers.c.tokens_prompt,
    answers.c.tokens_completion,
    answers.c.generation_time_ms,
)
# An answer is shown with `completed` alone, in whose transaction it was written.
STATUS_SOURCE = messages.join(every_job, every_job.c.id == messages.c.id).outerjoin(
    answers, (answers.c.message_id == messages.c.id) & (every_job.c.state == State.COMPLETED)
)
_STATUS = select(*STATUS_COLUMNS).select_from(STATUS_SOURCE).where(messages.c.id == bindparam("message_id"))

# One statement for everything that this process watches; only the text beyond what a watcher knows leaves the database.
_PROGRESS = text(f"""
SELECT j.id, j.state, j.attempt, j.run_at, d.attempt AS draft_attempt,
       CASE WHEN d.attempt = w.draft_attempt THEN w.draft_length ELSE 0 END AS draft_offset,
       coalesce(substr(d.content, 1 + CASE WHEN d.attempt = w.draft_attempt THEN w.draft_length ELSE 0 END), '')
           AS added_text
FROM unnest(CAST(:ids AS uuid[]), CAST(:draft_attempts AS int[]), CAST(:draft_lengths AS int[]))
         AS w(id, draft_attempt, draft_length)
JOIN every_job j ON j.id = w.id AND j.queue = '{AI_MESSAGES.name}'
LEFT JOIN drafts d ON d.job_id = j.id""")


def find_status(conn: Connection, message_id: UUID) -> MessageStatus | None:
    """Read one message's status; None when there is no such message."""
    row = conn.execute(_STATUS, {"message_id": message_id}).one_or_none()
    return None if row is None else as_status(row)


def read_progress(conn: Connection, watched: Sequence[tuple[UUID, int, int]]) -> list[Progress]:
    """Read how far messages are, in one statement.

    Args:
        conn: an open connection.
        watched: id, attempt of the draft known so far (0: none) and its length in characters, of each message.

    Returns:
        one `Progress` per message that exists, in any order.
    """
    ids, attempts, lengths = zip(*watched, strict=True)
    parameters = {"ids": list(ids), "draft_attempts": list(attempts), "draft_lengths": list(lengths)}
    return [Progress(row[0], State(row[1]), *row[2:]) for row in conn.execute(_PROGRESS, parameters)]


def as_status(row: Any) -> MessageStatus:
    """Make a status from a row that holds `STATUS_COLUMNS` first."""
    values = list(row[: len(STATUS_COLUMNS)])
    values[2] = State(values[2])
    return MessageStatus(*values)
