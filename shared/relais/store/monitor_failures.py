"""Groups failures by their cause, at a cost that doesn't grow with them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from relais.store.line import WATERMARK
from relais.store.monitor_jobs import short_sql
from relais.store.transitions import WAITING_SQL

# The newest of each queue; with more, counts are lower bounds and say so.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class CauseOfFailure:
    """Jobs that failed for one reason.

    Args:
        kind: of the jobs.
        error_code: the reason.
        failed: jobs that failed for good; at least so many when `more`.
        retrying: jobs whose last attempt failed so, and that wait for another.
        first_at: of the failed ones that were counted.
        last_at: likewise.
        last_ref: the job that failed last, or the first that waits for another attempt.
        more: whether older failures weren't counted.
    """

    kind: str
    error_code: str
    failed: int
    retrying: int
    first_at: datetime | None
    last_at: datetime | None
    last_ref: str
    more: bool


# A job whose attempt failed keeps its ticket, which lies at or below the watermark: those are few, the line isn't read.
_CAUSES = text(f"""
WITH failed AS (
    SELECT f.*, count(*) OVER (PARTITION BY f.queue) >= :most AS more
    FROM queues q CROSS JOIN LATERAL (
        SELECT j.id, j.kind, j.queue, j.error_code, j.finished_at FROM jobs j
        WHERE j.queue = q.name AND j.state = 'failed' AND j.finished_at IS NOT NULL
        ORDER BY j.finished_at DESC LIMIT :most) f),
retrying AS (
    SELECT j.id, j.kind, j.error_code FROM lanes l
    CROSS JOIN LATERAL (SELECT {WATERMARK} AS watermark) w
    JOIN jobs j ON j.queue = l.queue AND j.priority = l.priority AND j.state IN {WAITING_SQL}
               AND j.ticket <= w.watermark
    WHERE j.error_code IS NOT NULL LIMIT :most),
both_kinds AS (
    SELECT kind, error_code, 1 AS failed, 0 AS retrying, finished_at, id, more FROM failed
    UNION ALL
    SELECT kind, error_code, 0, 1, NULL, id, false FROM retrying)
SELECT kind, error_code, sum(failed)::int AS failed, sum(retrying)::int AS retrying,
       min(finished_at) AS first_at, max(finished_at) AS last_at,
       {short_sql("(array_agg(id ORDER BY finished_at DESC NULLS LAST))[1]")} AS last_ref, bool_or(more) AS more
FROM both_kinds GROUP BY kind, error_code
ORDER BY max(finished_at) DESC NULLS LAST, kind, error_code""")


def group_failures(conn: Connection, *, most: int = MOST_COUNTED) -> list[CauseOfFailure]:
    """The causes of the failures that the hot table still has, the latest first."""
    return [CauseOfFailure(*row) for row in conn.execute(_CAUSES, {"most": most})]
