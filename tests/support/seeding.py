"""Rows to test with: an agent, messages in its line, a worker in the register."""

import hashlib
from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import Engine, insert, text

from relais.store.accept import Acceptance, NewMessage, accept_messages
from relais.store.claim import ClaimedJob, claim_next
from relais.store.schema import agents
from relais.store.settle import Answer
from relais.store.workers import register_worker


def make_agent(engine: Engine, **columns: object) -> UUID:
    """Insert an agent that answers with the built-in models; return its id."""
    agent_id = uuid4()
    values: dict[str, object] = {
        "id": agent_id,
        "slug": f"agent-{agent_id}",
        "token": f"token-{agent_id}",
        "name": "Agent",
        "chat_model": "extractive",
        "embedding_model": "lexical",
        "fallback_text": "I don't know.",
        "retry_backoff_s": 0.0,
    }
    with engine.begin() as conn:
        conn.execute(insert(agents).values(values | columns))
    return agent_id


def new_message(agent_id: UUID, content: str = "Hello?", **fields: object) -> NewMessage:
    """A message for a session of its own, unless `session_id` says otherwise."""
    values: dict[str, object] = {
        "message_id": uuid4(),
        "agent_id": agent_id,
        "session_id": uuid4(),
        "new_session": "session_id" not in fields,
        "content": content,
        "user_ref": None,
        "metadata": {},
        "idempotency_key": None,
        "body_sha256": hashlib.sha256(content.encode()).digest(),
        "priority": 0,
        "max_attempts": 3,
    }
    return NewMessage(**(values | fields))  # type: ignore[arg-type] # the keys are the fields


def accept(engine: Engine, messages: Sequence[NewMessage]) -> list[Acceptance]:
    """Accept a batch in a transaction of its own."""
    with engine.begin() as conn:
        return accept_messages(conn, messages)


def accept_many(engine: Engine, agent_id: UUID, count: int, **fields: object) -> list[UUID]:
    """Accept `count` messages of separate sessions, in order; return their ids."""
    return [row.message_id for row in accept(engine, [new_message(agent_id, **fields) for _ in range(count)])]


def make_worker(engine: Engine, *, slots: int = 1) -> int:
    """Register a worker that serves both queues; return its id."""
    with engine.begin() as conn:
        return register_worker(conn, name="test", queues=["ai-messages", "documents"], slots=slots, version="test")


def claim(engine: Engine, worker_id: int, *, queue: str = "ai-messages", lease_s: float = 20.0) -> ClaimedJob | None:
    """Claim the next job in a transaction of its own."""
    with engine.begin() as conn:
        return claim_next(conn, queue=queue, worker_id=worker_id, lease_s=lease_s)


def state_of(engine: Engine, job_id: UUID) -> str:
    """The state of a job."""
    with engine.begin() as conn:
        return str(conn.execute(text("SELECT state FROM every_job WHERE id = :id"), {"id": job_id}).scalar_one())


def answer(content: str = "An answer.") -> Answer:
    """An answer worth storing."""
    return Answer(
        content,
        [],
        grounded=True,
        model="extractive",
        tokens_prompt=10,
        tokens_completion=3,
        generation_time_ms=12,
        evidence={},
    )
