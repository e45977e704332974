"""Stops and restarts the claiming of the jobs of a queue, or of an agent."""

from datetime import datetime
from typing import cast

from sqlalchemy import Connection, text

# A second pause keeps the first one's time.
_PAUSE = text("""
INSERT INTO queues (name, paused_at) VALUES (:name, now())
ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(queues.paused_at, EXCLUDED.paused_at)
RETURNING paused_at""")
_RESUME = text("UPDATE queues SET paused_at = NULL WHERE name = :name")

_PAUSE_AGENT = text("""
UPDATE agents SET paused_at = coalesce(paused_at, now()) WHERE slug = :slug AND deleted_at IS NULL
RETURNING paused_at""")
_RESUME_AGENT = text("""
UPDATE agents SET paused_at = NULL WHERE slug = :slug AND deleted_at IS NULL RETURNING id""")


def pause_queue(conn: Connection, name: str) -> datetime:
    """Let no worker claim from the queue; running jobs go on. Return since when it is paused."""
    return cast("datetime", conn.execute(_PAUSE, {"name": name}).scalar_one())


def resume_queue(conn: Connection, name: str) -> None:
    """Let workers claim from the queue again."""
    conn.execute(_RESUME, {"name": name})


def pause_agent(conn: Connection, slug: str) -> datetime | None:
    """Let no worker claim a job of the agent; running ones go on. Return since when, None without such an agent."""
    row = conn.execute(_PAUSE_AGENT, {"slug": slug}).one_or_none()
    return None if row is None else cast("datetime", row.paused_at)


def resume_agent(conn: Connection, slug: str) -> bool:
    """Let workers claim the agent's jobs again; False when there is no such agent."""
    return conn.execute(_RESUME_AGENT, {"slug": slug}).one_or_none() is not None
