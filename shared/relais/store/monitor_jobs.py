"""Lists jobs as the monitor may show them to everybody: by ref, without a whole id and without any text."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, TextClause, text

from relais.lifecycle import WAITING, State
from relais.refs import bounds_of
from relais.store.bulk import MATCHES, JobFilter
from relais.store.line import WAITS_SINCE, Lines
from relais.store.transitions import WAITING_SQL


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job in a list; times in seconds up to the moment of the reading.

    Args:
        ref: its public name.
        kind: what it does.
        queue: where it waits or waited.
        agent: slug of its agent.
        session: ref of its message's session; None for what isn't a message.
        state: where it is.
        position: its place in the line from 1; None when it doesn't wait.
        attempt: the current or last one; 0 before the first.
        attempt_limit: the last that may run.
        worker: of the current or last attempt, by the register's id.
        error_code: of the last attempt that failed.
        created_at: when it was accepted.
        finished_at: when it ended.
        age_s: since it was accepted.
        waits_s: since it was accepted, or since a person put it back; None when it doesn't wait.
        due_in_s: until its next attempt may begin; None when it may begin at once.
        runs_s: since the current attempt began; None when it isn't worked on.
        took_s: what the last attempt of an ended job took.
        written: characters of the answer so far.
    """

    ref: str
    kind: str
    queue: str
    agent: str
    session: str | None
    state: State
    position: int | None
    attempt: int
    attempt_limit: int
    worker: int | None
    error_code: str | None
    created_at: datetime
    finished_at: datetime | None
    age_s: float
    waits_s: float | None
    due_in_s: float | None
    runs_s: float | None
    took_s: float | None
    written: int


def short_sql(column: str) -> str:
    """Spell the ref of an id."""
    return f"left(replace(CAST({column} AS text), '-', ''), 12)"


def _listing(chosen: str, order: str) -> TextClause:
    return text(f"""
WITH chosen AS ({chosen})
SELECT {short_sql("j.id")} AS ref, j.kind, j.queue, split_part(a.slug, '~', 1) AS agent,
       CASE WHEN j.kind = 'answer' THEN {short_sql("j.serial_key")} END AS session,
       j.state, j.priority, j.ticket, j.attempt, j.attempt_limit, j.worker_id, j.error_code,
       j.created_at, j.finished_at, extract(epoch FROM now() - j.created_at)::float AS age_s,
       CASE WHEN j.state IN {WAITING_SQL} THEN extract(epoch FROM now() - {WAITS_SINCE})::float END AS waits_s,
       CASE WHEN j.state IN {WAITING_SQL} AND j.run_at > now()
            THEN extract(epoch FROM j.run_at - now())::float END AS due_in_s,
       CASE WHEN j.state = 'processing' THEN extract(epoch FROM now() - j.started_at)::float END AS runs_s,
       CASE WHEN j.attempt > 0 THEN extract(epoch FROM j.finished_at - j.started_at)::float END AS took_s,
       coalesce(length(d.content), 0) AS written
FROM chosen j JOIN agents a ON a.id = j.agent_id LEFT JOIN drafts d ON d.job_id = j.id AND d.attempt = j.attempt
ORDER BY {order}""")


# The same condition as the bulk actions', so that what is listed is what an action on "all that match" means.
_SEARCH = _listing(
    f"""
    SELECT j.* FROM every_job j
    WHERE {MATCHES}
      AND (CAST(:before_at AS timestamptz) IS NULL
           OR (j.created_at, j.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY j.created_at DESC, j.id DESC LIMIT :limit""",
    "j.created_at DESC, j.id DESC",
)
_LINE = _listing(
    f"""
    SELECT j.* FROM queues q CROSS JOIN LATERAL (
        SELECT w.* FROM jobs w WHERE w.queue = q.name AND w.state IN {WAITING_SQL}
        ORDER BY w.priority, w.ticket LIMIT :limit) j""",
    "j.queue, j.priority, j.ticket",
)
_RUNNING = _listing(
    "SELECT r.* FROM jobs r WHERE r.state = 'processing' ORDER BY r.started_at, r.id LIMIT :limit",
    "j.started_at, j.id",
)


def search_listed(
    conn: Connection, which: JobFilter, lines: Lines, *, before: tuple[datetime, str] | None, limit: int
) -> list[ListedJob]:
    """Find jobs that match, past ones too, newest first; those before the job `before` (`created_at`, ref)."""
    before_at, before_id = (None, None) if before is None else (before[0], bounds_of(before[1])[0])
    bound = which.bind() | {"before_at": before_at, "before_id": before_id, "limit": limit}
    return [_listed(row, lines) for row in conn.execute(_SEARCH, bound)]


def list_waiting(conn: Connection, lines: Lines, *, limit: int) -> list[ListedJob]:
    """The first `limit` of each queue, in the order of the line."""
    return [_listed(row, lines) for row in conn.execute(_LINE, {"limit": limit})]


def list_running(conn: Connection, lines: Lines, *, limit: int) -> list[ListedJob]:
    """What is worked on, longest first."""
    return [_listed(row, lines) for row in conn.execute(_RUNNING, {"limit": limit})]


def _listed(row: object, lines: Lines) -> ListedJob:
    values = dict(row._mapping)  # type: ignore[attr-defined] # noqa: SLF001 -- SQLAlchemy's public name for it
    state = State(values.pop("state"))
    place = values.pop("queue"), values.pop("priority"), values.pop("ticket")
    position = lines.position(*place) if state in WAITING else None
    return ListedJob(queue=place[0], state=state, position=position, worker=values.pop("worker_id"), **values)
