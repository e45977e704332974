"""Reads what a diagnosis says of each queue: what waits, for how long, why, and who could take it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from relais.diagnosis.facts import Oldest, PausedAgent, QueueFacts
from relais.diagnosis.limits import ANNOUNCED_WITHIN_S
from relais.explain import explain
from relais.queues import QUEUE_NAMES
from relais.refs import ref_of
from relais.store.claim import IN_TURN
from relais.store.explain import read_facts
from relais.store.line import WAITS_SINCE, Lines, read_lines
from relais.store.transitions import WAITING_SQL
from relais.store.workers import alive_sql

_WALKED = 5_000  # of a line: what comes behind that waits for its turn anyway
_COUNTED = 1_000

_WAITING = f"j.queue = :queue AND j.state IN {WAITING_SQL}"

_QUEUE = text(f"""
WITH crew AS (
    SELECT w.id, w.slots, w.waiting_for FROM workers w
    WHERE :queue = ANY(w.queues) AND {alive_sql("w")})
SELECT (SELECT extract(epoch FROM now() - q.paused_at)::float FROM queues q WHERE q.name = :queue) AS paused_for_s,
       (SELECT count(*) FROM crew) AS workers,
       (SELECT count(*) FROM crew WHERE waiting_for <> '{{}}') AS workers_waiting,
       (SELECT coalesce(array_agg(DISTINCT part ORDER BY part), '{{}}')
        FROM crew, unnest(waiting_for) part) AS parts_down,
       (SELECT coalesce(sum(greatest(slots - (SELECT count(*) FROM leases l WHERE l.worker_id = crew.id), 0)), 0)::int
        FROM crew WHERE waiting_for = '{{}}') AS slots_idle,
       (SELECT count(*) FROM (
            SELECT FROM jobs j WHERE j.state = 'pending' AND j.queue = :queue
              AND j.created_at < now() - make_interval(secs => {ANNOUNCED_WITHIN_S})
            ORDER BY j.created_at LIMIT {_COUNTED}) late) AS unannounced""")
# Whose turn it is can only be seen job by job: the walk begins at the head of the line and ends after a while.
_ELIGIBLE = text(f"""
SELECT count(*) AS jobs, max(extract(epoch FROM now() - since))::float AS waits_s FROM (
    SELECT greatest({WAITS_SINCE}, j.run_at) AS since FROM (
        SELECT * FROM jobs j WHERE {_WAITING} ORDER BY j.priority, j.ticket LIMIT {_WALKED}) j
    WHERE {IN_TURN} LIMIT {_COUNTED}) eligible""")
# The smallest ticket of a lane has waited longest in it.
_OLDEST = text(f"""
SELECT first.id, extract(epoch FROM now() - first.since)::float AS waits_s
FROM lanes l CROSS JOIN LATERAL (
    SELECT j.id, {WAITS_SINCE} AS since FROM (
        SELECT * FROM jobs j WHERE {_WAITING} AND j.priority = l.priority ORDER BY j.ticket LIMIT {_WALKED}) j
    WHERE NOT EXISTS (SELECT FROM agents a WHERE a.id = j.agent_id AND a.paused_at IS NOT NULL OFFSET 0)
    ORDER BY j.ticket LIMIT 1) first
WHERE l.queue = :queue ORDER BY first.since LIMIT 1""")
_PAUSED_AGENTS = text(f"""
SELECT a.slug, extract(epoch FROM now() - a.paused_at)::float AS paused_for_s, (
    SELECT count(*) FROM (
        SELECT FROM jobs j WHERE j.agent_id = a.id AND j.queue = 'ai-messages' AND j.state IN {WAITING_SQL}
        LIMIT {_COUNTED}) waiting) AS waiting
FROM agents a WHERE a.paused_at IS NOT NULL AND a.deleted_at IS NULL ORDER BY a.paused_at""")


def read_queues(conn: Connection, tokens: Mapping[str, Any]) -> list[QueueFacts]:
    """Read each queue; `tokens` are those ready in the broker, as the sweeper saw."""
    lines = read_lines(conn)
    return [_read_queue(conn, name, lines, tokens.get(name)) for name in QUEUE_NAMES]


def _read_queue(conn: Connection, name: str, lines: Lines, tokens: int | None) -> QueueFacts:
    row = conn.execute(_QUEUE, {"queue": name}).one()
    paused = row.paused_for_s is not None
    eligible = (0, None) if paused else conn.execute(_ELIGIBLE, {"queue": name}).one()
    return QueueFacts(
        name=name,
        waiting=lines.waiting(name),
        unannounced=row.unannounced,
        eligible=eligible[0],
        eligible_waits_s=eligible[1],
        paused_for_s=row.paused_for_s,
        workers=row.workers,
        workers_waiting=row.workers_waiting,
        parts_down=tuple(row.parts_down),
        slots_idle=row.slots_idle,
        tokens=tokens,
        oldest=_read_oldest(conn, name, lines),
    )


def _read_oldest(conn: Connection, name: str, lines: Lines) -> Oldest | None:
    row = conn.execute(_OLDEST, {"queue": name}).one_or_none()
    return None if row is None else _explained(conn, row.id, row.waits_s, lines)


def _explained(conn: Connection, job_id: UUID, waits_s: float, lines: Lines) -> Oldest | None:
    facts = read_facts(conn, job_id, lines)
    if facts is None:  # outside of a snapshot, retention may be faster
        return None
    return Oldest(ref_of(job_id), waits_s, explain(facts.for_everybody()))


def read_paused_agents(conn: Connection) -> list[PausedAgent]:
    """Read the agents that somebody paused, those paused longest first."""
    return [PausedAgent(*row) for row in conn.execute(_PAUSED_AGENTS)]
