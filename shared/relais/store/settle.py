"""Ends an attempt: each outcome is one fenced statement, and the answer commits together with `completed`.

Every function returns None when the fence did not hold: the attempt was superseded, cancelled or expired, and nothing
of it may be kept (DESIGN.md §2, rule 2).
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from relais.lifecycle import COMPLETE, FAIL, HAND_BACK, RETRY_LATER
from relais.store.transitions import DROP_DRAFT, FREE_LEASE, SUCCESSOR_WAITS, transition


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model made of a message, with the evidence that it stands on."""

    content: str
    citations: list[dict[str, Any]]
    grounded: bool
    model: str
    tokens_prompt: int | None
    tokens_completion: int | None
    generation_time_ms: int | None
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """The attempt's end was recorded; `successor_waits` when a job of the same session can run now."""

    successor_waits: bool


_BY_ID = "j.id = :job_id"
_DONE = "finished_at = now(), run_at = NULL"

_COMPLETE = transition(
    COMPLETE,
    where=_BY_ID,
    assign=f"{_DONE}, error = NULL, error_code = NULL",
    also=(FREE_LEASE, DROP_DRAFT),
    returning=SUCCESSOR_WAITS,
)
_FAIL = transition(
    FAIL,
    where=_BY_ID,
    assign=f"{_DONE}, error = :error, error_code = :error_code",
    also=(FREE_LEASE, DROP_DRAFT),
    returning=SUCCESSOR_WAITS,
)
_RETRY_LATER = transition(
    RETRY_LATER,
    where=_BY_ID,
    assign="run_at = now() + make_interval(secs => :delay_s), error = :error, error_code = :error_code",
    also=(FREE_LEASE, DROP_DRAFT),
    returning=SUCCESSOR_WAITS,
)
# A handed back attempt isn't the job's fault: its limit rises, while `attempt` itself must keep rising, as the fence.
_HAND_BACK = transition(
    HAND_BACK,
    where=_BY_ID,
    assign="run_at = NULL, attempt_limit = jobs.attempt_limit + 1",
    also=(FREE_LEASE, DROP_DRAFT),
    returning=SUCCESSOR_WAITS,
    reason="CAST(:error_code AS text)",  # the job has no error: nothing of it failed
)
_STORE_ANSWER = text("""
INSERT INTO answers (message_id, attempt, content, citations, grounded, model, tokens_prompt, tokens_completion,
                     generation_time_ms, evidence)
VALUES (:job_id, :attempt, :content, CAST(:citations AS jsonb), :grounded, :model, :tokens_prompt, :tokens_completion,
        :generation_time_ms, CAST(:evidence AS jsonb))""")
_SUPERSEDED = text("""
INSERT INTO job_events (job_id, transition, from_state, to_state, attempt, worker_id)
SELECT id, 'superseded', state, state, :attempt, :worker_id FROM every_job WHERE id = :job_id""")
_OUTCOME_OF = text("""
SELECT to_state FROM job_events
WHERE job_id = :job_id AND attempt = :attempt AND transition = :transition LIMIT 1""")


def settle_completed(conn: Connection, job_id: UUID, attempt: int, answer: Answer | None) -> Settled | None:
    """Record success, with the answer if the job makes one."""
    settled = _settle(conn, _COMPLETE, job_id, attempt)
    if settled and answer:
        conn.execute(
            _STORE_ANSWER,
            {
                "job_id": job_id,
                "attempt": attempt,
                "content": answer.content,
                "citations": json.dumps(answer.citations),
                "grounded": answer.grounded,
                "model": answer.model,
                "tokens_prompt": answer.tokens_prompt,
                "tokens_completion": answer.tokens_completion,
                "generation_time_ms": answer.generation_time_ms,
                "evidence": json.dumps(answer.evidence),
            },
        )
    return settled


def settle_failed(conn: Connection, job_id: UUID, attempt: int, *, error_code: str, error: str) -> Settled | None:
    """Record a final failure."""
    return _settle(conn, _FAIL, job_id, attempt, error_code=error_code, error=error)


def settle_retry(
    conn: Connection, job_id: UUID, attempt: int, *, error_code: str, error: str, delay_s: float
) -> Settled | None:
    """Record a failure that another attempt may mend, `delay_s` seconds from now; the ticket stays."""
    return _settle(conn, _RETRY_LATER, job_id, attempt, error_code=error_code, error=error, delay_s=delay_s)


def settle_handed_back(
    conn: Connection, job_id: UUID, attempt: int, *, error_code: str | None = None
) -> Settled | None:
    """Return a job unharmed; the attempt isn't counted against it.

    `error_code` says for the ledger what was away; None when the worker stops.
    """
    return _settle(conn, _HAND_BACK, job_id, attempt, error_code=error_code)


def record_superseded(conn: Connection, job_id: UUID, attempt: int, worker_id: int) -> None:
    """Note in the ledger that a result was fenced off."""
    conn.execute(_SUPERSEDED, {"job_id": job_id, "attempt": attempt, "worker_id": worker_id})


def was_recorded(conn: Connection, job_id: UUID, attempt: int, transition_name: str) -> bool:
    """Tell whether this attempt's end is in the ledger: a connection lost during COMMIT leaves that open."""
    found = conn.execute(_OUTCOME_OF, {"job_id": job_id, "attempt": attempt, "transition": transition_name})
    return found.one_or_none() is not None


def _settle(conn: Connection, statement: TextClause, job_id: UUID, attempt: int, **values: object) -> Settled | None:
    row = conn.execute(statement, {"job_id": job_id, "attempt": attempt, **values}).one_or_none()
    return None if row is None else Settled(bool(row.successor_waits))
