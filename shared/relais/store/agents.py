"""Agents: whom a client talks to, with prompt, models, retrieval settings, limits and retry policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from relais.store.schema import agents


@dataclass(frozen=True, slots=True)
class Agent:
    """One row of `agents`; `deleted_at` is set once an operator removed it."""

    id: UUID
    slug: str
    token: str
    name: str
    greeting: str
    system_prompt: str
    chat_model: str
    embedding_model: str
    temperature: float
    context_tokens: int
    top_k: int
    score_threshold: float
    allow_ungrounded: bool
    fallback_text: str
    max_content_chars: int
    priority: int
    max_attempts: int
    retry_backoff_s: float
    deadline_s: float
    max_waiting: int | None
    paused_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


_ACTIVE = agents.c.deleted_at.is_(None)
_BY_ID = select(agents).where(agents.c.id == bindparam("key"))
_BY_SLUG = select(agents).where(agents.c.slug == bindparam("key"), _ACTIVE)
_BY_TOKEN = select(agents).where(agents.c.token == bindparam("key"), _ACTIVE)
_ALL = select(agents).where(_ACTIVE).order_by(agents.c.slug)
_CREATE = insert(agents).on_conflict_do_nothing(index_elements=["slug"]).returning(agents)
_CHANGE = update(agents).where(agents.c.slug == bindparam("of_slug"), _ACTIVE).returning(agents)
# The slug becomes free for a new agent; the row stays, since messages and answers refer to it. A pause ends: nobody
# could resume what is left to do, such as taking its documents out of the index.
_DELETE = _CHANGE.values(deleted_at=func.now(), paused_at=None, slug=func.concat(agents.c.slug, "~", agents.c.id))


def find_agent_by_id(conn: Connection, agent_id: UUID) -> Agent | None:
    """Find an agent whether or not it was deleted: a running job still needs it."""
    return _as_agent(conn.execute(_BY_ID, {"key": agent_id}).one_or_none())


def find_agent_by_slug(conn: Connection, slug: str) -> Agent | None:
    """Find an agent that was not deleted, by its operators' name."""
    return _as_agent(conn.execute(_BY_SLUG, {"key": slug}).one_or_none())


def find_agent_by_token(conn: Connection, token: str) -> Agent | None:
    """Find an agent that was not deleted, by the public token of its chat URL."""
    return _as_agent(conn.execute(_BY_TOKEN, {"key": token}).one_or_none())


def list_agents(conn: Connection) -> list[Agent]:
    """List the agents that were not deleted, by slug."""
    return [Agent(**row._mapping) for row in conn.execute(_ALL)]  # noqa: SLF001 -- SQLAlchemy's public name for it


def create_agent(conn: Connection, fields: Mapping[str, Any]) -> Agent | None:
    """Create an agent from its columns, `id` and `token` among them; None when the slug is taken."""
    return _as_agent(conn.execute(_CREATE, dict(fields)).one_or_none())


def patch_agent(conn: Connection, slug: str, changes: Mapping[str, Any]) -> Agent | None:
    """Change the given columns of an agent; None when there is no such agent."""
    statement = _CHANGE.values(updated_at=func.now(), **changes)
    return _as_agent(conn.execute(statement, {"of_slug": slug}).one_or_none())


def delete_agent(conn: Connection, slug: str) -> Agent | None:
    """Mark an agent as deleted, which frees its slug; None when there is no such agent."""
    return _as_agent(conn.execute(_DELETE, {"of_slug": slug}).one_or_none())


def _as_agent(row: Row[Any] | None) -> Agent | None:
    return None if row is None else Agent(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for it
