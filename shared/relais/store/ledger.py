"""Follows the ledger: what it gained since a place in it, each event once, with the durations that the event ends."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from relais.lifecycle import ACCEPT, ANNOUNCE, CLAIM, RETRY, TERMINAL, TRANSITIONS
from relais.store.transitions import states_sql

SUPERSEDED = "superseded"  # not a transition: a result that the fence kept out
COUNTED = (*(t.name for t in TRANSITIONS if t not in {ACCEPT, ANNOUNCE, CLAIM}), SUPERSEDED)

# An identity is taken before its transaction commits, so a lower id may appear after a higher one. What is younger than
# the longest transaction (statements end after 15 s, idle ones after 10 s) may still gain events before its end.
SETTLED_AFTER_S = 60


class LedgerEvent(NamedTuple):
    """One event that counts. Times are measured between events, so that reading it again gives the same.

    Args:
        id: its place in the ledger.
        at: when, in seconds since 1970.
        kind: of the job.
        agent_id: of the job.
        transition: its name, or `SUPERSEDED`.
        from_state: the state that was left.
        to_state: the state that was entered.
        error_code: what failed.
        wait_us: of an end: microseconds from the acceptance, or a person's retry, to the first claim since; None when
            it was never claimed.
        processing_us: of an end of an attempt: microseconds since its claim.
        attempts: of an end: claims since the acceptance, or a person's retry.
        duplicate: whether the job had been completed before.
        model: of the answer that was stored with it; None without one, as are all that follow.
        grounded: whether the answer rests on passages.
        tokens_prompt: that the model read.
        tokens_completion: that the model wrote.
        retrieve_ms: milliseconds of the search.
        first_token_ms: from the request to the model to its first token.
        generate_ms: from the request to the model to the last token.
    """

    id: int
    at: float
    kind: str
    agent_id: UUID
    transition: str
    from_state: str
    to_state: str
    error_code: str | None
    wait_us: int | None = None
    processing_us: int | None = None
    attempts: int = 0
    duplicate: bool = False
    model: str | None = None
    grounded: bool | None = None
    tokens_prompt: int | None = None
    tokens_completion: int | None = None
    retrieve_ms: float | None = None
    first_token_ms: float | None = None
    generate_ms: float | None = None

    @property
    def ends_job(self) -> bool:
        """Whether the job reached a final state by it."""
        return self.to_state in TERMINAL and self.transition != SUPERSEDED


@dataclass(frozen=True, slots=True)
class Ends:
    """The ledger's ends at one moment: its newest event, that which nothing can come before any more, and the time."""

    newest: int
    settled: int
    now: float


_ENDS = text("""
SELECT coalesce(max(id), 0) AS newest,
       coalesce((SELECT max(id) FROM job_events
                 WHERE id > :settled AND at < now() - make_interval(secs => :settled_after_s)), :settled) AS settled,
       extract(epoch FROM now())::float AS now
FROM job_events""")
# What an older event's place says now: restored from a backup, the ledger has another event there, or none yet.
_IS_SAME = text("""
SELECT coalesce((SELECT job_id = :job_id FROM job_events WHERE id = :id),
                NOT EXISTS (SELECT FROM job_events WHERE id < :id))""")
_JOB_AT = text("SELECT job_id FROM job_events WHERE id = :id")
_STEP = text("""
SELECT coalesce(max(id), :after) FROM (
    SELECT id FROM job_events WHERE id > :after ORDER BY id LIMIT :limit) step""")
_GAPS = text("""
SELECT g.id FROM generate_series(CAST(:after AS bigint) + 1, CAST(:upto AS bigint)) g(id)
WHERE NOT EXISTS (SELECT FROM job_events e WHERE e.id = g.id) LIMIT :limit""")
_BEFORE = text("SELECT coalesce(max(id), 0) FROM job_events WHERE at < now() - make_interval(secs => :seconds)")
# The size is asked first, so that a long ledger is not counted only to be given up.
_IS_WHOLE = text("""
SELECT CASE WHEN coalesce(max(id), 0) > :longest THEN false
            ELSE coalesce(min(id), 1) = 1
                 AND (SELECT count(*) FROM job_events WHERE transition = 'accept')
                     = (SELECT count(*) FROM every_job) END
FROM job_events""")


def _names(names: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _us(duration: str) -> str:
    # greatest() passes over what is null; a clock that was set back makes nothing negative.
    return f"CASE WHEN {duration} IS NOT NULL THEN greatest((extract(epoch FROM {duration}) * 1000000)::bigint, 0) END"


def _ms(key: str) -> str:
    return f"CASE WHEN jsonb_typeof(a.evidence -> '{key}') = 'number' THEN (a.evidence ->> '{key}')::float END"


# LIMIT 1 and OFFSET 0 keep these from becoming joins: misjudging the few new events, the planner would hash all jobs.
_EVENTS = text(f"""
WITH new AS MATERIALIZED (
    SELECT * FROM job_events WHERE id > :after AND id <= :upto
    UNION ALL
    SELECT * FROM job_events WHERE id = ANY(CAST(:missing AS bigint[])))
SELECT e.id, extract(epoch FROM e.at)::float AS at, j.kind, j.agent_id, e.transition, e.from_state, e.to_state,
       e.error_code, {_us("life.first_claim - life.began")} AS wait_us,
       CASE WHEN e.from_state = 'processing' THEN {_us("e.at - life.last_claim")} END AS processing_us,
       coalesce(life.attempts, 0) AS attempts,
       e.transition = 'complete' AND EXISTS (
           SELECT FROM job_events d
           WHERE d.job_id = e.job_id AND d.id < e.id AND d.transition = 'complete') AS duplicate,
       a.model, a.grounded, a.tokens_prompt, a.tokens_completion,
       {_ms("retrieve_ms")} AS retrieve_ms, {_ms("first_token_ms")} AS first_token_ms,
       {_ms("generate_ms")} AS generate_ms
FROM new e
CROSS JOIN LATERAL (SELECT kind, agent_id, subject_id FROM every_job WHERE id = e.job_id LIMIT 1) j
LEFT JOIN LATERAL (
    SELECT min(x.at) FILTER (WHERE x.transition IN ({_names((ACCEPT.name, RETRY.name))})) AS began,
           min(x.at) FILTER (WHERE x.transition = '{CLAIM.name}') AS first_claim,
           max(x.at) FILTER (WHERE x.transition = '{CLAIM.name}') AS last_claim,
           count(*) FILTER (WHERE x.transition = '{CLAIM.name}') AS attempts
    FROM job_events x
    WHERE x.job_id = e.job_id AND x.id <= e.id AND x.id >= coalesce((
        SELECT max(b.id) FROM job_events b
        WHERE b.job_id = e.job_id AND b.id < e.id AND b.transition = '{RETRY.name}'), 0) OFFSET 0
) life ON e.to_state IN {states_sql(TERMINAL)} AND e.transition <> '{SUPERSEDED}'
LEFT JOIN LATERAL (
    SELECT * FROM answers WHERE message_id = j.subject_id AND attempt = e.attempt OFFSET 0
) a ON e.transition = 'complete' AND j.kind = 'answer'
WHERE e.transition IN ({_names(COUNTED)})
ORDER BY e.id""")


def read_ends(conn: Connection, *, settled: int = 0) -> Ends:
    """Find the ledger's ends; `settled` is what the last call said."""
    return Ends(**conn.execute(_ENDS, {"settled": settled, "settled_after_s": SETTLED_AFTER_S}).one()._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for it


def read_events(conn: Connection, *, after: int, upto: int, missing: Collection[int] = ()) -> list[LedgerEvent]:
    """Read the events that count with ids above `after` up to `upto`, and those of `missing` that are there by now.

    Events whose job is gone are left out, since kind and agent are the job's.
    """
    found = conn.execute(_EVENTS, {"after": after, "upto": upto, "missing": list(missing)})
    return [LedgerEvent._make(row) for row in found]


def find_gaps(conn: Connection, *, after: int, upto: int, limit: int) -> list[int]:
    """Ids above `after` up to `upto` that nobody can see: rolled back, or about to be committed."""
    return list(conn.execute(_GAPS, {"after": after, "upto": upto, "limit": limit}).scalars()) if upto > after else []


def id_after(conn: Connection, after: int, *, events: int) -> int:
    """The id that lies `events` events after another, or the last."""
    return int(conn.execute(_STEP, {"after": after, "limit": events}).scalar_one())


def last_id_before(conn: Connection, *, seconds: float) -> int:
    """The newest event that is older than so many seconds; 0 when there is none."""
    return int(conn.execute(_BEFORE, {"seconds": seconds}).scalar_one())


def job_at(conn: Connection, event_id: int) -> UUID | None:
    """The job of an event; together they are a mark by which the ledger is known again."""
    return conn.execute(_JOB_AT, {"id": event_id}).scalar_one_or_none()


def is_same_ledger(conn: Connection, event_id: int, job_id: UUID | None) -> bool:
    """Tell whether the ledger still has this event, or had it pruned; else another one was restored in its place."""
    return event_id == 0 or bool(conn.execute(_IS_SAME, {"id": event_id, "job_id": job_id}).scalar_one())


def is_whole(conn: Connection, *, longest: int) -> bool:
    """Tell whether the ledger has at most `longest` entries and nothing was pruned yet.

    Nothing was pruned when it begins at its beginning and the job of every acceptance is there.
    """
    return bool(conn.execute(_IS_WHOLE, {"longest": longest}).scalar_one())
