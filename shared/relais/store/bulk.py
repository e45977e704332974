"""Acts on all jobs that match a filter, in bounded batches, and counts them first for a preview."""

from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from relais.lifecycle import CANCEL, RETRY, State, Transition
from relais.refs import bounds_of
from relais.store.jobs import cancel_jobs
from relais.store.transitions import states_sql

MATCHES = """
    (CAST(:state AS text) IS NULL OR j.state = :state)
    AND (CAST(:kind AS text) IS NULL OR j.kind = :kind)
    AND (CAST(:agent AS text) IS NULL OR j.agent_id = (SELECT a.id FROM agents a WHERE a.slug = :agent))
    AND (CAST(:error_code AS text) IS NULL OR j.error_code = :error_code)
    AND (CAST(:older_than_s AS float) IS NULL OR j.created_at < now() - make_interval(secs => :older_than_s))
    AND (CAST(:ids AS uuid[]) IS NULL OR j.id = ANY(:ids))
    AND (CAST(:session_low AS uuid) IS NULL
         OR j.kind = 'answer' AND j.serial_key BETWEEN CAST(:session_low AS uuid) AND CAST(:session_high AS uuid))
    AND (CAST(:ref_lows AS uuid[]) IS NULL OR j.id = ANY(ARRAY(
        SELECT meant.id FROM unnest(CAST(:ref_lows AS uuid[]), CAST(:ref_highs AS uuid[])) AS r(low, high)
        JOIN every_job meant ON meant.id BETWEEN r.low AND r.high)))"""
# The refs are resolved first, by ranges of the primary keys; compared row by row, they would read the whole table.


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs: every field that is not None must match.

    Args:
        state: where it is.
        kind: what it does.
        agent: slug of its agent.
        error_code: of the last attempt that failed.
        older_than_s: seconds since the job was accepted.
        ids: whole ids.
        refs: refs, or whole ids (see `relais.refs`).
        session: id or ref of its message's session.
    """

    state: State | None = None
    kind: str | None = None
    agent: str | None = None
    error_code: str | None = None
    older_than_s: float | None = None
    ids: tuple[UUID, ...] | None = None
    refs: tuple[str, ...] | None = None
    session: str | None = None

    def bind(self) -> dict[str, Any]:
        """The values for `MATCHES`.

        Raises:
            ValueError: a ref or the session is malformed.
        """
        refs = None if self.refs is None else [bounds_of(ref) for ref in self.refs]
        session = (None, None) if self.session is None else bounds_of(self.session)
        return {
            "state": self.state and str(self.state),
            "kind": self.kind,
            "agent": self.agent,
            "error_code": self.error_code,
            "older_than_s": self.older_than_s,
            "ids": None if self.ids is None else list(self.ids),
            "ref_lows": None if refs is None else [low for low, _ in refs],
            "ref_highs": None if refs is None else [high for _, high in refs],
            "session_low": session[0],
            "session_high": session[1],
        }


def _within_reach(arrow: Transition) -> str:
    return f"j.state IN {states_sql(arrow.sources)} AND {MATCHES}"


_PLACES = ("jobs", "every_job")
_COUNT = {
    (arrow, place): text(f"SELECT count(*) FROM {place} j WHERE {_within_reach(arrow)}")
    for arrow, place in product((RETRY, CANCEL), _PLACES)
}
_SELECT = {
    (arrow, place): text(
        f"SELECT j.id FROM {place} j WHERE {_within_reach(arrow)} ORDER BY j.created_at, j.id LIMIT :limit"
    )
    for arrow, place in product((RETRY, CANCEL), _PLACES)
}


def count_retryable(conn: Connection, which: JobFilter) -> int:
    """How many jobs a retry would put back."""
    return int(conn.execute(_COUNT[RETRY, _place(which)], which.bind()).scalar_one())


def count_cancellable(conn: Connection, which: JobFilter) -> int:
    """How many jobs `cancel_matching` would stop."""
    return int(conn.execute(_COUNT[CANCEL, "jobs"], which.bind()).scalar_one())


def find_retryable(conn: Connection, which: JobFilter, *, limit: int) -> list[UUID]:
    """The jobs that a retry would put back."""
    return _select(conn, RETRY, _place(which), which, limit)


def find_cancellable(conn: Connection, which: JobFilter, *, limit: int) -> list[UUID]:
    """The jobs that `cancel_matching` would stop."""
    return _select(conn, CANCEL, "jobs", which, limit)


def cancel_matching(conn: Connection, which: JobFilter, *, limit: int) -> list[UUID]:
    """Cancel up to `limit` matching jobs that wait or run, oldest first; return the ids that moved."""
    return cancel_jobs(conn, find_cancellable(conn, which, limit=limit))


def _place(which: JobFilter) -> str:
    """Where a retry looks: what was cleaned away comes back only when it, or its session, is named."""
    return "every_job" if which.ids or which.refs or which.session else "jobs"


def _select(conn: Connection, arrow: Transition, place: str, which: JobFilter, limit: int) -> list[UUID]:
    return [row.id for row in conn.execute(_SELECT[arrow, place], which.bind() | {"limit": limit})]
