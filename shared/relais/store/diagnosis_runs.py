"""Reads what a diagnosis says of the jobs in `processing` and of the leases."""

from sqlalchemy import Connection, text

from relais.diagnosis.facts import Run, StrayLease
from relais.lifecycle import State
from relais.refs import ref_of

_MOST = 5_000

# There are as many as there are slots: small partial index, small table.
_RUNS = text(f"""
SELECT j.id, j.queue, j.attempt, j.worker_id,
       extract(epoch FROM now() - j.started_at)::float AS runs_s, a.deadline_s,
       extract(epoch FROM l.expires_at - now())::float AS lease_s,
       extract(epoch FROM now() - w.heartbeat_at)::float AS worker_age_s,
       extract(epoch FROM now() - w.stopped_at)::float AS worker_gone_s
FROM jobs j
JOIN agents a ON a.id = j.agent_id
LEFT JOIN leases l ON l.job_id = j.id AND l.attempt = j.attempt AND l.worker_id = j.worker_id
LEFT JOIN workers w ON w.id = j.worker_id
WHERE j.state = 'processing' ORDER BY j.started_at LIMIT {_MOST}""")
_STRAY_LEASES = text(f"""
SELECT j.id, j.state, l.attempt, l.worker_id, extract(epoch FROM l.expires_at - now())::float AS ends_in_s
FROM leases l JOIN jobs j ON j.id = l.job_id
WHERE j.state <> 'processing' OR j.attempt <> l.attempt OR j.worker_id <> l.worker_id
ORDER BY l.expires_at LIMIT {_MOST}""")


def read_runs(conn: Connection) -> list[Run]:
    """Read the jobs in `processing`, the longest first."""
    return [
        Run(
            ref=ref_of(row.id),
            queue=row.queue,
            attempt=row.attempt,
            worker_id=row.worker_id,
            runs_s=row.runs_s,
            deadline_s=row.deadline_s,
            lease_s=row.lease_s,
            worker_age_s=row.worker_age_s,
            worker_gone_s=row.worker_gone_s,
        )
        for row in conn.execute(_RUNS)
    ]


def read_stray_leases(conn: Connection) -> list[StrayLease]:
    """Read the leases that belong to no running attempt."""
    return [
        StrayLease(ref_of(row.id), State(row.state), row.attempt, row.worker_id, row.ends_in_s)
        for row in conn.execute(_STRAY_LEASES)
    ]
