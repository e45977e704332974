"""Records what operators changed: who, what, when. The record is part of the transaction of the change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

_MOST_IDS = 100

_RECORD = text("""
INSERT INTO operator_actions (actor, action, target, matching, changed, job_ids)
VALUES (:actor, :action, CAST(:target AS jsonb), :matching, :changed, CAST(:job_ids AS uuid[]))""")
_READ = text("""
SELECT id, at, actor, action, target, matching, changed, job_ids FROM operator_actions
WHERE (CAST(:before AS bigint) IS NULL OR id < :before)
    AND (CAST(:actor AS text) IS NULL OR actor = :actor)
    AND (CAST(:action AS text) IS NULL OR action = :action)
ORDER BY id DESC LIMIT :limit""")


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One change by an operator; `matching` is None where no filter was given, `job_ids` are the first hundred."""

    id: int
    at: datetime
    actor: str
    action: str
    target: dict[str, Any]
    matching: int | None
    changed: int
    job_ids: list[UUID]


def record_action(
    conn: Connection,
    *,
    actor: str,
    action: str,
    target: Mapping[str, Any],
    changed: int,
    matching: int | None = None,
    job_ids: Sequence[UUID] = (),
) -> None:
    """Record a change in the transaction that makes it.

    Args:
        conn: the transaction's.
        actor: the name of the key that was used.
        action: such as `retry` or `queue.pause`.
        target: the filter, or the queue, agent or rule by name; JSON.
        changed: how many jobs, or others, it changed.
        matching: how many the filter meant.
        job_ids: of the jobs changed.
    """
    conn.execute(
        _RECORD,
        {
            "actor": actor,
            "action": action,
            "target": json.dumps(target),
            "matching": matching,
            "changed": changed,
            "job_ids": list(job_ids[:_MOST_IDS]),
        },
    )


def read_actions(
    conn: Connection, *, before: int | None, limit: int, actor: str | None = None, action: str | None = None
) -> list[OperatorAction]:
    """The newest records, those before the one with the id `before`."""
    values = {"before": before, "limit": limit, "actor": actor, "action": action}
    return [OperatorAction(*row) for row in conn.execute(_READ, values)]
