"""Takes running jobs back from workers that won't finish them, on a person's behalf.

A worker that was taken for lost wrongly learns so at its next beat, and the fence drops its result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, text

from relais.lifecycle import UNLOCK
from relais.liveness import HOLDER_SILENT_S
from relais.store.bulk import MATCHES, JobFilter
from relais.store.transitions import DROP_DRAFT, FREE_LEASE, transition

Loose = Literal["worker_gone", "lease_missing", "lease_expired", "worker_silent", "over_deadline"]
Refusal = Literal["working", "attempts_spent"]

_HELD = """jobs j JOIN agents a ON a.id = j.agent_id
    LEFT JOIN leases l ON l.job_id = j.id LEFT JOIN workers w ON w.id = j.worker_id"""
# By the reasons' names; the first that holds is told.
_SIGNS: dict[Loose, str] = {
    "worker_gone": "(w.id IS NULL OR w.stopped_at IS NOT NULL)",
    "lease_missing": "l.job_id IS NULL",
    "lease_expired": "coalesce(l.expires_at < now(), false)",
    "worker_silent": "coalesce(w.heartbeat_at < now() - make_interval(secs => :silent_after_s), false)",
    "over_deadline": "j.started_at < now() - make_interval(secs => a.deadline_s)",
}
_LOOSE = " OR ".join(_SIGNS.values())
_FIND = text(f"""
SELECT j.id, j.attempt, j.attempt_limit, j.worker_id, {", ".join(f"{sql} AS {name}" for name, sql in _SIGNS.items())}
FROM {_HELD} WHERE j.state = 'processing' AND {MATCHES} ORDER BY j.created_at, j.id""")
# Locked first, so that the signs are read as they are once nobody else moves the job: one that was expired and claimed
# anew while this waited for the lock has a worker that is well.
_HOLD = text("""
SELECT FROM jobs WHERE id = ANY(:job_ids) AND state = 'processing' ORDER BY id FOR UPDATE""")
_UNLOCK = transition(
    UNLOCK,
    source=_HELD,
    where=f"""j.id = ANY(:job_ids)
        AND (CAST(:force AS boolean) OR (j.attempt < j.attempt_limit AND ({_LOOSE})))""",
    lock="ORDER BY j.id FOR UPDATE OF j",
    assign="run_at = NULL, attempt_limit = greatest(jobs.attempt_limit, jobs.attempt + 1)",
    also=(FREE_LEASE, DROP_DRAFT),
)


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job that is being worked on, and why its worker won't finish it; `loose` is None while it may well do so."""

    id: UUID
    attempt: int
    attempt_limit: int
    worker_id: int
    loose: Loose | None

    def refusal(self) -> Refusal | None:
        """Why it stays with its worker unless somebody forces it."""
        if self.loose is None:
            return "working"
        return "attempts_spent" if self.attempt >= self.attempt_limit else None


def find_held(conn: Connection, which: JobFilter, *, silent_after_s: float = HOLDER_SILENT_S) -> list[HeldJob]:
    """The jobs that match and are being worked on, oldest first: as many as there are busy slots, at most."""
    rows = conn.execute(_FIND, which.bind() | {"silent_after_s": silent_after_s})
    return [HeldJob(row.id, row.attempt, row.attempt_limit, row.worker_id, _loose(row)) for row in rows]


def unlock_jobs(
    conn: Connection, job_ids: Sequence[UUID], *, force: bool = False, silent_after_s: float = HOLDER_SILENT_S
) -> list[UUID]:
    """Put running jobs back into the line, at their old places; return the ids that moved.

    Only those that `HeldJob.refusal` has nothing against, unless `force`: a job without an attempt left gets one more.
    """
    values = {"job_ids": list(job_ids), "force": force, "silent_after_s": silent_after_s}
    conn.execute(_HOLD, values)
    return [row.id for row in conn.execute(_UNLOCK, values)]


def _loose(row: Row[Any]) -> Loose | None:
    return next((name for name in _SIGNS if getattr(row, name)), None)
