"""Fills the tables by the million: jobs that ended over the last weeks, half of them past, or jobs that wait."""

from uuid import UUID

from sqlalchemy import Engine, text

from relais.store.schema import jobs

_DAYS = 25
_COLUMNS = ", ".join(column.name for column in jobs.columns)
_JOBS = text(f"""
WITH numbered AS (
    SELECT n, gen_random_uuid() AS id, now() - make_interval(secs => {_DAYS * 86_400} * (1 - n::float / :upto)) AS at,
           CASE WHEN n % 20 = 0 THEN 'failed' WHEN n % 33 = 0 THEN 'cancelled' ELSE 'completed' END AS state
    FROM generate_series(CAST(:after AS int) + 1, CAST(:upto AS int)) n)
INSERT INTO jobs (id, kind, queue, agent_id, subject_id, serial_key, priority, ticket, claimed_ticket, state, attempt,
                  attempt_limit, worker_id, error_code, created_at, announced_at, started_at, finished_at)
SELECT id, 'answer', 'ai-messages', :agent_id, id, gen_random_uuid(), 0, n, n, state, 1, 3, 1,
       CASE state WHEN 'failed' THEN 'timeout' END, at, at, at + interval '2 s', at + interval '7 s' FROM numbered""")
_LEDGER = text("""
INSERT INTO job_events (job_id, at, transition, from_state, to_state, attempt, worker_id, error_code)
SELECT j.id, e.at, e.transition, e.from_state, e.to_state, e.attempt, CASE e.attempt WHEN 1 THEN 1 END,
       CASE e.transition WHEN 'fail' THEN j.error_code END
FROM jobs j CROSS JOIN LATERAL (VALUES
    (j.created_at, 'accept', NULL, 'pending', 0),
    (j.announced_at, 'announce', 'pending', 'queued', 0),
    (j.started_at, 'claim', 'queued', 'processing', 1),
    (j.finished_at, CASE j.state WHEN 'completed' THEN 'complete' WHEN 'failed' THEN 'fail' ELSE 'cancel' END,
     'processing', j.state, 1)) e(at, transition, from_state, to_state, attempt)
WHERE j.ticket > :after ORDER BY e.at""")
# The older half has left the table that claims work on, as the sweeper would have seen to.
_MOVED = text(f"""
WITH gone AS (DELETE FROM jobs WHERE finished_at IS NOT NULL AND ticket <= :upto / 2 RETURNING *)
INSERT INTO past_jobs ({_COLUMNS}) SELECT {_COLUMNS} FROM gone""")
_WAITING = text("""
INSERT INTO jobs (id, kind, queue, agent_id, subject_id, serial_key, priority, ticket, state, attempt, attempt_limit,
                  created_at, announced_at)
SELECT gen_random_uuid(), 'answer', 'ai-messages', :agent_id, gen_random_uuid(), gen_random_uuid(), 0, n, 'queued', 0,
       3, now(), now()
FROM generate_series(CAST(:after AS int) + 1, CAST(:upto AS int)) n""")
_LANE = text("""
INSERT INTO lanes (queue, priority, last_ticket, watermark) VALUES ('ai-messages', 0, :upto, :watermark)
ON CONFLICT (queue, priority) DO UPDATE SET last_ticket = EXCLUDED.last_ticket, watermark = EXCLUDED.watermark""")
_NO_LIMIT = text("SET LOCAL statement_timeout = 0")


def fill_finished(engine: Engine, agent_id: UUID, *, after: int, upto: int) -> None:
    """Let the first `upto` tickets be finished jobs; `after` of them are there already."""
    with engine.begin() as conn:
        conn.execute(_NO_LIMIT)
        conn.execute(_LANE, {"upto": upto, "watermark": upto})
        conn.execute(_JOBS, {"agent_id": agent_id, "after": after, "upto": upto})
        conn.execute(_LEDGER, {"after": after})
        conn.execute(_MOVED, {"upto": upto})
    _analyze(engine)


def fill_waiting(engine: Engine, agent_id: UUID, *, after: int, upto: int, finished: int = 0) -> None:
    """Let jobs wait with the tickets after `after` up to `upto`; those up to `finished` are over."""
    with engine.begin() as conn:
        conn.execute(_NO_LIMIT)
        conn.execute(_LANE, {"upto": upto, "watermark": finished})
        conn.execute(_WAITING, {"agent_id": agent_id, "after": after, "upto": upto})
    _analyze(engine)


def _analyze(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("SET statement_timeout = 0"))
        conn.execute(text("VACUUM ANALYZE jobs, past_jobs, job_events, lanes"))
        conn.execute(text("RESET statement_timeout"))
