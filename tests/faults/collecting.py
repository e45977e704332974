"""Reads a trial's rows for the checker."""

from typing import Any

from sqlalchemy import Connection, Engine, text

from faults.checker.evidence import Event, Job, Worker

# The tag that begins every text of a trial; texts of another origin begin with no bracket and are nobody's.
_OF_TRIAL = (
    "(m.content LIKE :tag OR m.content LIKE :words OR m.content NOT LIKE '[%' AND m.created_at > to_timestamp(:since))"
)
_JOBS = text(f"""
SELECT CAST(j.id AS text) AS id, j.state, j.attempt, j.error_code, CAST(m.session_id AS text) AS session, j.ticket,
       m.content, m.idempotency_key AS key, CAST(m.agent_id AS text) AS agent, a.attempt AS answered_by,
       a.content AS answer
FROM messages m JOIN every_job j ON j.id = m.id LEFT JOIN answers a ON a.message_id = m.id WHERE {_OF_TRIAL}""")
_EVENTS = text(f"""
SELECT e.id, CAST(e.job_id AS text) AS job, extract(epoch FROM e.at)::float AS at, e.transition,
       e.from_state AS source, e.to_state AS target, e.attempt, e.worker_id AS worker, e.error_code
FROM job_events e JOIN messages m ON m.id = e.job_id WHERE {_OF_TRIAL} ORDER BY e.id""")
_WORKERS = text("SELECT id, CAST(split_part(name, ':', -1) AS int) AS pid FROM workers")
_UNFINISHED = text(f"""
SELECT count(*) FROM messages m JOIN jobs j ON j.id = m.id
WHERE {_OF_TRIAL} AND j.state IN ('pending', 'queued', 'processing')""")


def read_rows(engine: Engine, trial: str, since: float) -> dict[str, Any]:
    """The rows of a trial that began at `since`, as fields of `Evidence`, in one snapshot."""
    with engine.execution_options(isolation_level="REPEATABLE READ").begin() as conn:
        return {
            "jobs": [Job(**row._mapping) for row in conn.execute(_JOBS, _values(trial, since))],
            "events": [Event(**row._mapping) for row in conn.execute(_EVENTS, _values(trial, since))],
            "workers": _workers(conn),
        }


def count_unfinished(engine: Engine, trial: str, since: float) -> int:
    """How many messages of a trial have not ended."""
    with engine.begin() as conn:
        return int(conn.execute(_UNFINISHED, _values(trial, since)).scalar_one())


def _values(trial: str, since: float) -> dict[str, object]:
    return {"tag": f"[{trial}{'_' * 12}] %", "words": f"[{trial} %", "since": since}


def _workers(conn: Connection) -> dict[int, Worker]:
    return {row.id: Worker(row.id, row.pid) for row in conn.execute(_WORKERS)}
