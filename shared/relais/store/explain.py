"""Reads, in one statement, everything that says why a job is where it is."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection, text

from relais.explain import Blocker, Facts
from relais.lifecycle import State
from relais.store.claim import EARLIER_IN_SESSION
from relais.store.line import WAITS_SINCE, Lines
from relais.store.stats import BROKER_REPORT_VALID_S
from relais.store.workers import alive_sql

_ALIVE = alive_sql("w")

_FACTS = text(f"""
SELECT j.state, j.queue, j.priority, j.ticket, j.attempt, j.attempt_limit, j.error_code, j.error, j.worker_id,
       extract(epoch FROM now() - {WAITS_SINCE})::float AS waits_s,
       extract(epoch FROM j.run_at - now())::float AS due_in_s,
       extract(epoch FROM now() - q.paused_at)::float AS paused_for_s,
       split_part(a.slug, '~', 1) AS agent, extract(epoch FROM now() - a.paused_at)::float AS agent_paused_for_s,
       earlier.id AS earlier_id, earlier.state AS earlier_state,
       crew.workers, crew.waiting, crew.slots, crew.seen_s,
       (SELECT coalesce(array_agg(DISTINCT part ORDER BY part), '{{}}') FROM workers w, unnest(w.waiting_for) part
        WHERE {_ALIVE} AND j.queue = ANY(w.queues)) AS parts_down,
       (SELECT coalesce(jsonb_object_agg(b.kind, b.jobs), '{{}}') FROM (
            SELECT r.kind, count(*) AS jobs FROM leases l
            JOIN jobs r ON r.id = l.job_id JOIN workers w ON w.id = l.worker_id
            WHERE {_ALIVE} AND w.waiting_for = '{{}}' AND j.queue = ANY(w.queues) GROUP BY r.kind) b) AS busy,
       extract(epoch FROM now() - mine.heartbeat_at)::float AS worker_age_s,
       mine.stopped_at IS NOT NULL AS worker_gone,
       extract(epoch FROM l.expires_at - now())::float AS lease_s,
       extract(epoch FROM now() - j.started_at)::float AS runs_s,
       a.deadline_s, coalesce(length(d.content), 0) AS written,
       extract(epoch FROM now() - sweeper.ran_at)::float AS sweeper_age_s,
       CASE WHEN broker.ran_at > now() - interval '{BROKER_REPORT_VALID_S} seconds' THEN broker.details END AS broker
FROM every_job j
JOIN queues q ON q.name = j.queue
JOIN agents a ON a.id = j.agent_id
LEFT JOIN leases l ON l.job_id = j.id
LEFT JOIN drafts d ON d.job_id = j.id AND d.attempt = j.attempt
LEFT JOIN workers mine ON mine.id = j.worker_id
LEFT JOIN heartbeats sweeper ON sweeper.part = 'sweeper'
LEFT JOIN heartbeats broker ON broker.part = 'broker'
LEFT JOIN LATERAL (
    SELECT o.id, o.state FROM jobs o
    WHERE {EARLIER_IN_SESSION}
    ORDER BY o.state = 'processing' DESC, o.priority, o.ticket LIMIT 1) earlier ON true
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE {_ALIVE}) AS workers,
           count(*) FILTER (WHERE {_ALIVE} AND w.waiting_for <> '{{}}') AS waiting,
           coalesce(sum(w.slots) FILTER (WHERE {_ALIVE} AND w.waiting_for = '{{}}'), 0)::int AS slots,
           extract(epoch FROM now() - max(w.heartbeat_at))::float AS seen_s
    FROM workers w WHERE j.queue = ANY(w.queues)) crew
WHERE j.id = :job_id""")


def read_facts(conn: Connection, job_id: UUID, lines: Lines | None = None) -> Facts | None:
    """Read what `relais.explain.explain` decides by; None when there is no such job.

    `lines` is a snapshot that the caller has, for the place in the line; without it the place is not known.
    """
    row = conn.execute(_FACTS, {"job_id": job_id}).one_or_none()
    if row is None:
        return None
    facts = Facts(
        state=State(row.state),
        queue=row.queue,
        attempt=row.attempt,
        attempt_limit=row.attempt_limit,
        waits_s=row.waits_s,
        due_in_s=row.due_in_s,
        error_code=row.error_code,
        error=row.error,
        paused_for_s=row.paused_for_s,
        agent=row.agent,
        agent_paused_for_s=row.agent_paused_for_s,
        blocker=None if row.earlier_id is None else Blocker(str(row.earlier_id), State(row.earlier_state)),
        workers=row.workers,
        workers_waiting=row.waiting,
        parts_down=tuple(row.parts_down),
        worker_seen_s=row.seen_s,
        slots=row.slots,
        busy=row.busy,
        worker_id=row.worker_id,
        worker_age_s=row.worker_age_s,
        worker_gone=row.worker_gone,
        lease_s=row.lease_s,
        runs_s=row.runs_s,
        deadline_s=row.deadline_s,
        written=row.written,
        sweeper_age_s=row.sweeper_age_s,
        broker_up=None if row.broker is None else row.broker.get("up"),
        tokens=None if row.broker is None else row.broker.get("ready", {}).get(row.queue),
    )
    if lines is None:
        return facts
    return replace(facts, ahead=lines.position(row.queue, row.priority, row.ticket) - 1)
