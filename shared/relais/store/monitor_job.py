"""Finds one job by its ref, with the figures of its answer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from relais.refs import bounds_of


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """What is known of an answer besides its text; `evidence` holds texts and must not be shown whole."""

    attempt: int
    model: str
    grounded: bool
    tokens_prompt: int | None
    tokens_completion: int | None
    generation_time_ms: int | None
    characters: int
    citations: int
    evidence: dict[str, Any]


_FIND = text("SELECT id FROM every_job WHERE id BETWEEN :low AND :high ORDER BY id LIMIT 1")
_ANSWER = text("""
SELECT attempt, model, grounded, tokens_prompt, tokens_completion, generation_time_ms, length(content) AS characters,
       CASE WHEN jsonb_typeof(citations) = 'array' THEN jsonb_array_length(citations) ELSE 0 END AS citations, evidence
FROM answers WHERE message_id = :job_id""")


def find_job_id(conn: Connection, ref: str) -> UUID | None:
    """The id that a ref means, of a past job too; None when there is no such job.

    Raises:
        ValueError: `ref` is no ref.
    """
    low, high = bounds_of(ref)
    return conn.execute(_FIND, {"low": low, "high": high}).scalar_one_or_none()


def read_answer_figures(conn: Connection, job_id: UUID) -> AnswerFigures | None:
    """The figures of a message's answer; None while it has none."""
    row = conn.execute(_ANSWER, {"job_id": job_id}).one_or_none()
    return None if row is None else AnswerFigures(*row)
