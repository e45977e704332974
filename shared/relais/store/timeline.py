"""Reads a job's life from the ledger."""

from uuid import UUID

from sqlalchemy import Connection, text

from relais.timeline import Event

_LIFE = text("""
SELECT e.at, e.transition, e.to_state, e.attempt, e.worker_id AS worker, w.name AS worker_name, e.error_code
FROM job_events e LEFT JOIN workers w ON w.id = e.worker_id
WHERE e.job_id = :job_id ORDER BY e.id""")


def read_timeline(conn: Connection, job_id: UUID) -> list[Event]:
    """The events of a job in order; `relais.timeline.attempts_of` makes its attempts of them.

    A long life may lack its beginning, since the ledger is pruned.
    """
    return [Event(*row) for row in conn.execute(_LIFE, {"job_id": job_id})]
