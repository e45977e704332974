"""Counts what waits and what runs, at a cost that grows neither with the line nor with what finished."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from relais.lifecycle import TERMINAL, State
from relais.queues import ALL_QUEUES, QUEUE_BY_NAME, Kind
from relais.store.line import WAITS_SINCE, count_waiting
from relais.store.transitions import WAITING_SQL

# Few of the jobs that wait weren't announced, and few run: each has a partial index, whose predicate is repeated here.
_COUNT_SOME = text("""
SELECT queue, 'pending' AS state, count(*) AS jobs, NULL AS longest_s FROM jobs WHERE state = 'pending' GROUP BY queue
UNION ALL
SELECT queue, 'processing', count(*), extract(epoch FROM now() - min(started_at))::float
FROM jobs WHERE state = 'processing' GROUP BY queue""")
# Tickets are given in the order in which transactions take the lane, so who waited longest is among the first; a
# hundred, since those accepted at the same moment may have begun in another order.
_OLDEST = text(f"""
SELECT l.queue, extract(epoch FROM now() - min(first.since))::float AS age_s
FROM lanes l CROSS JOIN LATERAL (
    SELECT {WAITS_SINCE} AS since
    FROM jobs j WHERE j.queue = l.queue AND j.priority = l.priority AND j.state IN {WAITING_SQL}
    ORDER BY j.ticket LIMIT 100) first
GROUP BY l.queue""")
# Answered from indexes, once vacuum has been there, but from all of them: a million take a tenth of a second. Not for
# every scrape.
_COUNT_FINISHED = text("""
SELECT queue, state, sum(jobs)::bigint AS jobs FROM (
    SELECT queue, state, count(*) AS jobs FROM jobs WHERE finished_at IS NOT NULL GROUP BY queue, state
    UNION ALL
    SELECT queue, state, count(*) FROM past_jobs GROUP BY queue, state) both_tables
GROUP BY queue, state""")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What isn't finished: jobs by kind and live state, and the ages of the eldest, 0 where there is none."""

    jobs: Mapping[tuple[Kind, State], int]
    oldest_waiting_s: Mapping[Kind, float]
    longest_processing_s: Mapping[Kind, float]


def read_backlog(conn: Connection) -> Backlog:
    """Count what waits and runs."""
    some = {(QUEUE_BY_NAME[row.queue].kind, State(row.state)): row for row in conn.execute(_COUNT_SOME)}
    oldest = {QUEUE_BY_NAME[row.queue].kind: max(row.age_s, 0.0) for row in conn.execute(_OLDEST)}
    jobs: dict[tuple[Kind, State], int] = {}
    for queue in ALL_QUEUES:
        for state in (State.PENDING, State.PROCESSING):
            jobs[queue.kind, state] = some[queue.kind, state].jobs if (queue.kind, state) in some else 0
        jobs[queue.kind, State.QUEUED] = max(count_waiting(conn, queue.name) - jobs[queue.kind, State.PENDING], 0)
    return Backlog(
        jobs,
        {kind: oldest.get(kind, 0.0) for kind in Kind},
        {
            kind: max(some[kind, State.PROCESSING].longest_s, 0.0) if (kind, State.PROCESSING) in some else 0.0
            for kind in Kind
        },
    )


def count_finished(conn: Connection) -> dict[tuple[Kind, State], int]:
    """Count the finished jobs that are still stored, past ones included, by kind and final state."""
    counts = {(kind, state): 0 for kind in Kind for state in sorted(TERMINAL)}
    for row in conn.execute(_COUNT_FINISHED):
        counts[QUEUE_BY_NAME[row.queue].kind, State(row.state)] = int(row.jobs)
    return counts
