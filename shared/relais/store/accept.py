"""Accepts work: messages in micro-batches, documents one by one; each with its row, job and ticket in one commit.

Tickets are gapless per lane (queue and priority) and rise in the order of commits, because the lane's row stays locked
until the commit; batching keeps that lock from being a bottleneck (DESIGN.md §2, queue position).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, text

from relais.queues import AI_MESSAGES, DOCUMENTS, Kind
from relais.store.transitions import LIVE_SQL

Outcome = Literal["accepted", "replayed", "conflict", "unknown_session"]


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A validated message; ids are made by the caller so that a retried batch can't double.

    `agent_limit` is how many messages of its agent may wait (see `admission`); None is no limit.
    """

    message_id: UUID
    agent_id: UUID
    session_id: UUID
    new_session: bool
    content: str
    user_ref: str | None
    metadata: dict[str, Any]
    idempotency_key: str | None
    body_sha256: bytes
    priority: int
    max_attempts: int
    agent_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of a message: a new job, an earlier message with the same key, or a refusal."""

    outcome: Outcome
    message_id: UUID
    session_id: UUID
    priority: int
    ticket: int


# Gives each row of `numbered` the next tickets of its lane, makes its job and writes the ledger.
_TAKE_TICKETS = """
lane AS (
    INSERT INTO lanes (queue, priority, last_ticket)
    SELECT queue, priority, count(*) FROM numbered GROUP BY queue, priority ORDER BY queue, priority
    ON CONFLICT (queue, priority) DO UPDATE SET last_ticket = lanes.last_ticket + EXCLUDED.last_ticket
    RETURNING queue, priority, last_ticket),
created AS (
    INSERT INTO jobs (id, kind, queue, agent_id, subject_id, serial_key, priority, ticket, state, attempt_limit)
    SELECT n.job_id, n.kind, n.queue, n.agent_id, n.subject_id, n.serial_key, n.priority,
           lane.last_ticket - n.lane_size + n.place, 'pending', n.max_attempts
    FROM numbered n JOIN lane USING (queue, priority)
    RETURNING id, priority, ticket),
logged AS (
    INSERT INTO job_events (job_id, transition, to_state, attempt)
    SELECT id, 'accept', 'pending', 0 FROM created)"""

_ACCEPT = text(f"""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        place int, message_id uuid, agent_id uuid, session_id uuid, new_session boolean, content text, user_ref text,
        metadata jsonb, idempotency_key text, body_sha256 text, priority smallint, max_attempts int)),
valid AS (  -- a session keeps its lane while it is busy: another would let its next message overtake
    SELECT i.place, i.message_id, i.agent_id, i.session_id, i.new_session, i.content, i.user_ref, i.metadata,
           i.idempotency_key, i.body_sha256, i.max_attempts, coalesce((
               SELECT max(j.priority) FROM jobs j
               WHERE j.serial_key = i.session_id AND j.state IN {LIVE_SQL}), i.priority) AS priority
    FROM input i WHERE i.new_session
        OR EXISTS (SELECT FROM sessions s WHERE s.id = i.session_id AND s.agent_id = i.agent_id)),
fresh AS (
    INSERT INTO messages (id, agent_id, session_id, content, user_ref, metadata, idempotency_key, body_sha256)
    SELECT message_id, agent_id, session_id, content, user_ref, metadata, idempotency_key, decode(body_sha256, 'hex')
    FROM valid ORDER BY idempotency_key, place  -- the order of locks: another batch may write the same keys
    ON CONFLICT (agent_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id, seq),
opened AS (  -- foreign keys are checked when the statement ends, so that a replay opens no session
    INSERT INTO sessions (id, agent_id, user_ref)
    SELECT session_id, agent_id, user_ref FROM valid WHERE new_session AND message_id IN (SELECT id FROM fresh)),
numbered AS (
    SELECT v.message_id AS job_id, '{AI_MESSAGES.kind}' AS kind, '{AI_MESSAGES.name}' AS queue, v.agent_id,
           v.message_id AS subject_id, v.session_id AS serial_key, v.priority, v.max_attempts,
           row_number() OVER (PARTITION BY v.priority ORDER BY f.seq) AS place,
           count(*) OVER (PARTITION BY v.priority) AS lane_size
    FROM valid v JOIN fresh f ON f.id = v.message_id),
{_TAKE_TICKETS}
SELECT i.place, v.message_id IS NOT NULL AS valid, c.priority, c.ticket
FROM input i LEFT JOIN valid v USING (message_id) LEFT JOIN created c ON c.id = i.message_id""")

_FIND_BY_KEY = text("""
SELECT m.id, m.session_id, m.body_sha256, j.priority, j.ticket
FROM messages m JOIN every_job j ON j.id = m.id
WHERE m.agent_id = :agent_id AND m.idempotency_key = :idempotency_key""")

_ACCEPT_INGESTION = text(f"""
WITH numbered AS (
    SELECT CAST(:job_id AS uuid) AS job_id, '{Kind.INGEST}' AS kind, '{DOCUMENTS.name}' AS queue,
           CAST(:agent_id AS uuid) AS agent_id, CAST(:document_id AS uuid) AS subject_id,
           CAST(:document_id AS uuid) AS serial_key, CAST(:priority AS smallint) AS priority,
           CAST(:max_attempts AS int) AS max_attempts, 1 AS place, 1 AS lane_size),
{_TAKE_TICKETS}
SELECT id FROM created""")


def accept_messages(conn: Connection, batch: Sequence[NewMessage]) -> list[Acceptance]:
    """Write a batch in one statement; return one acceptance per message, in the batch's order.

    A message whose idempotency key is known is not written: `replayed` when its body is the same, else a `conflict`.
    A message for a session that doesn't exist or belongs to another agent is an `unknown_session`.
    """
    rows = [_as_row(place, message) for place, message in enumerate(batch)]
    written = {row.place: row for row in conn.execute(_ACCEPT, {"rows": json.dumps(rows)})}
    return [_outcome(conn, message, written[place]) for place, message in enumerate(batch)]


def accept_ingestion(
    conn: Connection, *, job_id: UUID, document_id: UUID, agent_id: UUID, priority: int, max_attempts: int
) -> None:
    """Put a document's (re-)ingestion or removal into its line; ingestions of one document run one after another."""
    conn.execute(
        _ACCEPT_INGESTION,
        {
            "job_id": job_id,
            "document_id": document_id,
            "agent_id": agent_id,
            "priority": priority,
            "max_attempts": max_attempts,
        },
    )


def _as_row(place: int, message: NewMessage) -> dict[str, Any]:
    row = asdict(message) | {"place": place, "body_sha256": message.body_sha256.hex()}
    for column in ("message_id", "agent_id", "session_id"):
        row[column] = str(row[column])
    return row


def _outcome(conn: Connection, message: NewMessage, written: Row[Any]) -> Acceptance:
    if not written.valid:
        return Acceptance("unknown_session", message.message_id, message.session_id, message.priority, 0)
    if written.ticket is not None:
        return Acceptance("accepted", message.message_id, message.session_id, written.priority, written.ticket)
    earlier = conn.execute(
        _FIND_BY_KEY, {"agent_id": message.agent_id, "idempotency_key": message.idempotency_key}
    ).one()
    same = bytes(earlier.body_sha256) == message.body_sha256
    return Acceptance(
        "replayed" if same else "conflict", earlier.id, earlier.session_id, earlier.priority, earlier.ticket
    )
