"""Reads whether answers contradict their jobs: one each for what is completed, of the attempt that completed it."""

from typing import Any

from sqlalchemy import Connection, Row, text

from relais.diagnosis.facts import Breach, Broken
from relais.lifecycle import State
from relais.queues import AI_MESSAGES
from relais.refs import ref_of
from relais.store.transitions import WAITING_SQL

_NEWEST = 1_000  # of each state: a breach that nobody saw for so long is found by the fault checker, not here

# The ledger is asked by job: a job has a handful of entries.
_COMPLETED = text(f"""
SELECT j.id, j.state, j.attempt, a.attempt AS answer_attempt,
       (SELECT count(*) FROM job_events e WHERE e.job_id = j.id AND e.transition = 'complete') AS completions
FROM (SELECT * FROM jobs WHERE queue = :queue AND state = 'completed' AND finished_at IS NOT NULL
      ORDER BY finished_at DESC LIMIT {_NEWEST}) j
LEFT JOIN answers a ON a.message_id = j.id""")


def _newest(state: str) -> str:
    return f"""
    (SELECT id, state, attempt FROM jobs WHERE queue = :queue AND state = '{state}' AND finished_at IS NOT NULL
     ORDER BY finished_at DESC LIMIT {_NEWEST})"""


_NOT_COMPLETED = text(f"""
SELECT j.id, j.state, j.attempt, a.attempt AS answer_attempt FROM (
    {_newest("failed")} UNION ALL {_newest("cancelled")} UNION ALL
    (SELECT id, state, attempt FROM jobs WHERE queue = :queue AND state = 'processing' LIMIT {_NEWEST}) UNION ALL
    (SELECT id, state, attempt FROM jobs WHERE queue = :queue AND state IN {WAITING_SQL}
     ORDER BY priority, ticket LIMIT {_NEWEST})) j
JOIN answers a ON a.message_id = j.id""")


def read_broken(conn: Connection) -> list[Broken]:
    """Read the newest jobs of each state whose answer contradicts them; a job may be listed for two reasons."""
    bound = {"queue": AI_MESSAGES.name}
    found = []
    for row in conn.execute(_COMPLETED, bound):
        if row.completions > 1:
            found.append(_broken(row, Breach.COMPLETED_TWICE))
        if row.answer_attempt is None:
            found.append(_broken(row, Breach.COMPLETED_WITHOUT_ANSWER))
        elif row.answer_attempt != row.attempt:
            found.append(_broken(row, Breach.ANSWER_OF_OTHER_ATTEMPT))
    return found + [_broken(row, Breach.ANSWER_WITHOUT_COMPLETION) for row in conn.execute(_NOT_COMPLETED, bound)]


def _broken(row: Row[Any], breach: Breach) -> Broken:
    return Broken(breach, ref_of(row.id), State(row.state), row.attempt, row.answer_attempt)
