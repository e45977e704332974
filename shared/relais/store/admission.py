"""Keeps a line within its limits: decides which messages of a batch still find a place.

Everybody who accepts under a limit first reserves places in the limit's row of `admissions`, which stays locked until
the commit, so that no two batches, whichever process wrote them, take the same place. The row holds an upper bound: how
many waited when they were last counted, plus all let in since. Only a bound that meets the limit, or is ten seconds
old, is counted anew, and the longer a count takes, the rarer: the cost of a message doesn't grow with the line.

What this guarantees: no message is let in while `limit` others wait. What it doesn't: a message that was let in and
started may come back (another attempt, a person's retry), so that more may wait, by as many as run or were retried.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from relais.queues import AI_MESSAGES
from relais.store.accept import Acceptance, NewMessage, accept_messages
from relais.store.line import count_waiting
from relais.store.transitions import WAITING_SQL

ALL = UUID(int=0)  # the scope of the limit on all messages together; an agent's is the agent's id
# A limit that was just set counts messages that another process let in without it only from the next count on.
_BOUND_VALID_S = 10.0
# A count takes about half a microsecond per waiting message: at this distance it costs 3 % of a core at most.
_PAUSE_PER_WAITING_S = 20e-6

_AGENT_WAITS = f"agent_id = :agent AND queue = '{AI_MESSAGES.name}' AND state IN {WAITING_SQL}"
_RESERVE = text("""
INSERT INTO admissions AS a (scope, waiting, counted_at)
SELECT scope, places, 'epoch' FROM unnest(CAST(:scopes AS uuid[]), CAST(:places AS int[])) AS r(scope, places)
ORDER BY scope  -- the order of locks: batches with several limits in common must not deadlock
ON CONFLICT (scope) DO UPDATE SET waiting = a.waiting + EXCLUDED.waiting
RETURNING scope, waiting, extract(epoch FROM clock_timestamp() - counted_at)::float AS age_s""")
_CORRECT = text("""
UPDATE admissions SET waiting = :waiting, counted_at = CASE WHEN :counted THEN clock_timestamp() ELSE counted_at END
WHERE scope = :scope""")
_COUNT = text(f"SELECT count(*) FROM jobs WHERE {_AGENT_WAITS}")
_NTH = text(f"""
SELECT priority, ticket FROM jobs WHERE {_AGENT_WAITS} ORDER BY priority, ticket OFFSET :ahead LIMIT 1""")
_KNOWN_KEYS = text("""
SELECT m.agent_id, m.idempotency_key FROM messages m
JOIN unnest(CAST(:agents AS uuid[]), CAST(:keys AS text[])) AS r(agent_id, idempotency_key)
USING (agent_id, idempotency_key)""")

Key = tuple[UUID, str | None]


@dataclass(frozen=True, slots=True)
class Full:
    """A message found no place: `waiting` messages wait where `limit` may.

    `agent` tells whether that is the agent's own limit. `place_frees` is the (priority, ticket) of the agent's message
    whose start makes room; None for the limit on all messages, where any start does.
    """

    agent: bool
    limit: int
    waiting: int
    place_frees: tuple[int, int] | None = None


@dataclass(slots=True)
class _Scope:
    """One limit within one transaction: how many wait without this batch, and whether they were counted just now."""

    id: UUID
    limit: int
    before: int
    counted: bool
    taken: int = 0

    @property
    def waiting(self) -> int:
        return self.before + self.taken

    @property
    def full(self) -> bool:
        return self.waiting >= self.limit


def accept_within_limits(
    conn: Connection, batch: Sequence[NewMessage], limit_of_all: int | None
) -> list[Acceptance | Full]:
    """Accept a batch as `accept_messages` does, but for the messages that find no place; in the batch's order.

    A message whose idempotency key is known needs no place: it waits already, or has ended.
    """
    limits = _limits(batch, limit_of_all)
    if not limits:
        return [*accept_messages(conn, batch)]
    asked = Counter(scope for message in batch for scope in _scopes(message, limits))
    ids = sorted(asked)
    reserved = conn.execute(_RESERVE, {"scopes": ids, "places": [asked[scope] for scope in ids]}).all()
    if all(row.age_s < _BOUND_VALID_S and row.waiting <= limits[row.scope] for row in reserved):
        return [*accept_messages(conn, batch)]
    scopes = {
        row.scope: _look(conn, row.scope, limits[row.scope], row.waiting - asked[row.scope], row.age_s)
        for row in reserved
    }
    return _accept_who_fit(conn, batch, scopes)


def _limits(batch: Sequence[NewMessage], limit_of_all: int | None) -> dict[UUID, int]:
    limits = {message.agent_id: message.agent_limit for message in batch} | {ALL: limit_of_all}
    return {scope: limit for scope, limit in limits.items() if limit is not None}


def _scopes(message: NewMessage, limited: Mapping[UUID, object]) -> Iterator[UUID]:
    return (scope for scope in (message.agent_id, ALL) if scope in limited)


def _look(conn: Connection, scope: UUID, limit: int, bound: int, age_s: float) -> _Scope:
    if age_s < min(bound * _PAUSE_PER_WAITING_S, _BOUND_VALID_S):
        return _Scope(scope, limit, bound, counted=False)
    # A statement of its own, so that it sees what those committed who held the row before.
    count = count_waiting(conn, AI_MESSAGES.name) if scope == ALL else conn.execute(_COUNT, {"agent": scope}).scalar()
    return _Scope(scope, limit, count or 0, counted=True)


def _accept_who_fit(
    conn: Connection, batch: Sequence[NewMessage], scopes: Mapping[UUID, _Scope]
) -> list[Acceptance | Full]:
    refused: dict[int, _Scope] = {}
    known = _known_keys(conn, batch)
    for place, message in enumerate(batch):
        if _key(message) in known:
            continue  # a replay or a conflict, of an earlier batch or of this one
        own = [scopes[scope] for scope in _scopes(message, scopes)]
        full = next((scope for scope in own if scope.full), None)
        if full is not None:
            refused[place] = full
            continue
        for scope in own:
            scope.taken += 1
        if message.idempotency_key is not None:
            known.add(_key(message))
    accepted = iter(accept_messages(conn, [m for place, m in enumerate(batch) if place not in refused]))
    verdicts = {scope.id: _verdict(conn, scope) for scope in refused.values()}
    for scope in scopes.values():
        conn.execute(_CORRECT, {"scope": scope.id, "waiting": scope.waiting, "counted": scope.counted})
    return [verdicts[refused[place].id] if place in refused else next(accepted) for place in range(len(batch))]


def _verdict(conn: Connection, scope: _Scope) -> Full:
    if scope.id == ALL:
        return Full(agent=False, limit=scope.limit, waiting=scope.waiting)
    row = conn.execute(_NTH, {"agent": scope.id, "ahead": scope.waiting - scope.limit}).one_or_none()
    frees = None if row is None else (row.priority, row.ticket)
    return Full(agent=True, limit=scope.limit, waiting=scope.waiting, place_frees=frees)


def _key(message: NewMessage) -> Key:
    return message.agent_id, message.idempotency_key


def _known_keys(conn: Connection, batch: Sequence[NewMessage]) -> set[Key]:
    keys = [_key(message) for message in batch if message.idempotency_key is not None]
    if not keys:
        return set()
    agents, names = zip(*keys, strict=True)
    rows = conn.execute(_KNOWN_KEYS, {"agents": list(agents), "keys": list(names)})
    return {(row.agent_id, row.idempotency_key) for row in rows}
