"""Stops and restarts the claiming of a queue's jobs."""

from datetime import datetime
from typing import cast

from sqlalchemy import Connection, text

# A second pause keeps the first one's time.
_PAUSE = text("""
INSERT INTO queues (name, paused_at) VALUES (:name, now())
ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(queues.paused_at, EXCLUDED.paused_at)
RETURNING paused_at""")
_RESUME = text("UPDATE queues SET paused_at = NULL WHERE name = :name")


def pause_queue(conn: Connection, name: str) -> datetime:
    """Let no worker claim from the queue; running jobs go on. Return since when it is paused."""
    return cast("datetime", conn.execute(_PAUSE, {"name": name}).scalar_one())


def resume_queue(conn: Connection, name: str) -> None:
    """Let workers claim from the queue again."""
    conn.execute(_RESUME, {"name": name})
