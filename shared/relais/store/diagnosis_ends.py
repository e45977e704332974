"""Reads what a diagnosis says of failures: their causes within a day, and jobs whose workers died."""

from sqlalchemy import Connection, text

from relais.diagnosis.facts import FailureGroup, Poison
from relais.lifecycle import State
from relais.queues import QUEUE_NAMES
from relais.refs import ref_of
from relais.store.line import WATERMARK
from relais.store.transitions import WAITING_SQL

_MOST = 10_000
_NAMED = 10
_WITHIN = "interval '24 hours'"

_FAILED = f"""
    SELECT j.id, j.error_code, j.finished_at FROM jobs j
    WHERE j.queue = ANY(:queues) AND j.state = 'failed' AND j.finished_at > now() - {_WITHIN}
    ORDER BY j.finished_at DESC LIMIT {_MOST}"""
_FAILURES = text(f"""
SELECT error_code, count(*) AS jobs, extract(epoch FROM now() - min(finished_at))::float AS first_s,
       extract(epoch FROM now() - max(finished_at))::float AS last_s,
       (array_agg(id ORDER BY finished_at DESC))[1:{_NAMED}] AS ids
FROM ({_FAILED}) failed GROUP BY error_code""")
# Those that are to be tried again wait with an old ticket, below the watermark, where few do; see `line`.
_POISON = text(f"""
WITH suspect AS (
    SELECT id, state FROM (
        SELECT j.id, j.state FROM jobs j
        WHERE j.queue = ANY(:queues) AND j.state = 'failed' AND j.error_code = 'worker_lost'
          AND j.finished_at > now() - {_WITHIN}
        ORDER BY j.finished_at DESC LIMIT 100) failed
    UNION ALL
    SELECT j.id, j.state FROM jobs j WHERE j.state = 'processing' AND j.attempt > 1
    UNION ALL
    SELECT id, state FROM (
        SELECT j.id, j.state FROM lanes l CROSS JOIN LATERAL (SELECT {WATERMARK} AS watermark) w JOIN jobs j
            ON j.queue = l.queue AND j.priority = l.priority AND j.ticket <= w.watermark AND j.state IN {WAITING_SQL}
        WHERE j.attempt > 0 AND j.error_code = 'worker_lost' LIMIT 100) waiting)
SELECT s.id, s.state, count(*) AS lost
FROM suspect s JOIN job_events e ON e.job_id = s.id
WHERE e.error_code = 'worker_lost' AND e.transition IN ('expire', 'expire_spent')
GROUP BY s.id, s.state ORDER BY lost DESC, s.id LIMIT 100""")


def read_failures(conn: Connection) -> list[FailureGroup]:
    """Read what failed within a day and still is, by error code; counts the newest ten thousand."""
    return [
        FailureGroup(row.error_code, row.jobs, row.first_s, row.last_s, [ref_of(job_id) for job_id in row.ids])
        for row in conn.execute(_FAILURES, {"queues": list(QUEUE_NAMES)})
    ]


def read_poison(conn: Connection) -> list[Poison]:
    """Read the jobs of which a worker died: those to be tried again, and those that failed for it within a day."""
    found = conn.execute(_POISON, {"queues": list(QUEUE_NAMES)})
    return [Poison(ref_of(row.id), State(row.state), row.lost) for row in found]
