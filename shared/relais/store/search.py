"""Finds jobs for operators, page by page, newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from relais.store.bulk import MATCHES, JobFilter


@dataclass(frozen=True, slots=True)
class FoundJob:
    """A job as operators see it; `subject_id` is its message or its document."""

    id: UUID
    kind: str
    queue: str
    agent: str
    subject_id: UUID
    session_id: UUID | None
    state: str
    attempt: int
    attempt_limit: int
    priority: int
    worker_id: int | None
    error_code: str | None
    error: str | None
    created_at: datetime
    run_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


_SEARCH = text(f"""
SELECT j.id, j.kind, j.queue, a.slug AS agent, j.subject_id,
       CASE WHEN j.kind = 'answer' THEN j.serial_key END AS session_id,
       j.state, j.attempt, j.attempt_limit, j.priority, j.worker_id, j.error_code, j.error,
       j.created_at, j.run_at, j.started_at, j.finished_at
FROM every_job j JOIN agents a ON a.id = j.agent_id
WHERE {MATCHES}
    AND (CAST(:before_at AS timestamptz) IS NULL
         OR (j.created_at, j.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid)))
ORDER BY j.created_at DESC, j.id DESC
LIMIT :limit""")

_AGENT = text("SELECT EXISTS (SELECT FROM agents WHERE slug = :slug)")


def is_agent(conn: Connection, slug: str) -> bool:
    """Whether jobs may be searched by this agent: one that was deleted has jobs too, under the slug that they show."""
    return bool(conn.execute(_AGENT, {"slug": slug}).scalar_one())


def search_jobs(
    conn: Connection, which: JobFilter, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[FoundJob]:
    """Find jobs that match, those before the job that `before` names by its `created_at` and id."""
    before_at, before_id = before or (None, None)
    parameters: dict[str, Any] = which.bind() | {"before_at": before_at, "before_id": before_id, "limit": limit}
    return [FoundJob(*row) for row in conn.execute(_SEARCH, parameters)]
