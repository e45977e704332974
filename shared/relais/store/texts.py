"""Reads what was asked and answered, and what the answer rests on."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Texts:
    """A message with its answer; what follows `draft` is None until there is one. Of a document's job, its name alone.

    `draft` is the answer so far, while the job runs.
    """

    document: str | None
    question: str | None
    user_ref: str | None
    metadata: dict[str, Any] | None
    draft: str | None
    content: str | None
    citations: list[dict[str, Any]] | None
    grounded: bool | None
    model: str | None
    tokens_prompt: int | None
    tokens_completion: int | None
    generation_time_ms: int | None
    evidence: dict[str, Any] | None


_READ = text("""
SELECT doc.name, m.content, m.user_ref, m.metadata, d.content,
       a.content, a.citations, a.grounded, a.model, a.tokens_prompt, a.tokens_completion, a.generation_time_ms,
       a.evidence
FROM every_job j
LEFT JOIN documents doc ON doc.id = j.subject_id AND j.kind = 'ingest'
LEFT JOIN messages m ON m.id = j.subject_id AND j.kind = 'answer'
LEFT JOIN drafts d ON d.job_id = j.id AND d.attempt = j.attempt
LEFT JOIN answers a ON a.message_id = m.id AND j.state = 'completed'
WHERE j.id = :job_id""")


def read_texts(conn: Connection, job_id: UUID) -> Texts | None:
    """Read them; None when there is no such job."""
    row = conn.execute(_READ, {"job_id": job_id}).one_or_none()
    return None if row is None else Texts(*row)
