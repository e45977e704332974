"""Tells a job's life from its ledger as a list of attempts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from relais.lifecycle import (
    ANNOUNCE,
    CANCEL,
    CLAIM,
    COMPLETE,
    EXPIRE,
    EXPIRE_SPENT,
    FAIL,
    HAND_BACK,
    RETRY_LATER,
    UNLOCK,
    WAITING,
)

SUPERSEDED = "superseded"  # in the ledger, but no transition: a result that came after its attempt had ended

_NO_NEW_WAIT = {ANNOUNCE.name, SUPERSEDED}

_CAUSES = {
    COMPLETE.name: "It completed the job.",
    FAIL.name: "It failed, and no further attempt was made.",
    RETRY_LATER.name: "It failed; another attempt followed.",
    HAND_BACK.name: "The worker was stopped and handed it back; it isn't counted.",
    EXPIRE.name: "It was taken from the worker, which died or fell silent; another attempt followed.",
    EXPIRE_SPENT.name: "It was taken from the worker, which died or fell silent; no attempt was left.",
    CANCEL.name: "It was cancelled while it ran.",
    UNLOCK.name: "An operator took it from the worker and put it back.",
}


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the ledger; `worker_name` is None once the register has forgotten the worker."""

    at: datetime
    transition: str
    to_state: str
    attempt: int
    worker: int | None = None
    worker_name: str | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a job.

    Args:
        number: its fence.
        worker: who made it, by the register's id.
        worker_name: host and process; None when the register has forgotten it.
        began: None when the ledger no longer reaches back to it.
        ended: None while it runs.
        waited_s: how long the job had waited for it, a backoff included.
        outcome: the transition that ended it; None while it runs.
        error_code: why, of one that failed.
        cause: what ended it, in one sentence; None while it runs.
        came_late: whether its result came after its end, and was dropped.
    """

    number: int
    worker: int | None
    worker_name: str | None
    began: datetime | None
    ended: datetime | None = None
    waited_s: float | None = None
    outcome: str | None = None
    error_code: str | None = None
    cause: str | None = None
    came_late: bool = False

    def duration_s(self, now: datetime | None = None) -> float | None:
        """How long it took, or has taken by `now`; None where that isn't known."""
        until = self.ended or now
        return None if self.began is None or until is None else (until - self.began).total_seconds()


def attempts_of(events: Sequence[Event]) -> list[Attempt]:
    """The attempts of one job, from its events in the order of the ledger."""
    attempts: dict[int, Attempt] = {}
    waits_since: datetime | None = None
    for event in events:
        if event.transition == CLAIM.name:
            attempts[event.attempt] = _began(event, waits_since)
        elif event.transition == SUPERSEDED:
            known = attempts.get(event.attempt)
            if known is not None:
                attempts[event.attempt] = replace(known, came_late=True)
        elif _ends(event, attempts):
            attempts[event.attempt] = _ended(attempts.get(event.attempt), event)
        if event.to_state in WAITING and event.transition not in _NO_NEW_WAIT:
            waits_since = event.at
    return [attempts[number] for number in sorted(attempts)]


def _ends(event: Event, attempts: dict[int, Attempt]) -> bool:
    if event.transition == CANCEL.name:  # of a job that waits, it ends none
        return event.attempt in attempts and attempts[event.attempt].ended is None
    return event.transition in _CAUSES


def _began(event: Event, waits_since: datetime | None) -> Attempt:
    waited_s = None if waits_since is None else (event.at - waits_since).total_seconds()
    return Attempt(event.attempt, event.worker, event.worker_name, event.at, waited_s=waited_s)


def _ended(known: Attempt | None, event: Event) -> Attempt:
    begun = known or Attempt(event.attempt, event.worker, event.worker_name, None)
    return replace(
        begun,
        ended=event.at,
        outcome=event.transition,
        error_code=event.error_code,
        cause=_cause(event),
    )


def _cause(event: Event) -> str:
    if event.transition == HAND_BACK.name and event.error_code:
        return f"The worker handed it back unharmed, for something was away ({event.error_code}); it isn't counted."
    return _CAUSES[event.transition]
