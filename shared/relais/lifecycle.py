"""The life of a job: its states and the arrows between them.

This module is the only place that says which moves exist. `relais.store.transitions` performs each
with one guarded UPDATE built from it; the database's CHECK constraints list the same states.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a job is, and who moves it on."""

    PENDING = "pending"
    """Accepted and committed, not yet announced. Publisher or sweeper announce it; a worker may claim it directly."""

    QUEUED = "queued"
    """Announced; waits for its turn or, with `run_at` ahead, its next attempt. A worker's claim moves it on."""

    PROCESSING = "processing"
    """A worker holds the lease of the current attempt and settles it; when the lease ran out, the sweeper or a person
    takes the job back."""

    COMPLETED = "completed"
    """The result is stored. Final."""

    FAILED = "failed"
    """Attempts are spent or the error is permanent. Only a person's retry moves it on."""

    CANCELLED = "cancelled"
    """Stopped on request. Only a person's retry moves it on."""


WAITING = frozenset({State.PENDING, State.QUEUED})
LIVE = WAITING | {State.PROCESSING}
TERMINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow: its name in the ledger, the states it may leave, the state it enters.

    `fenced` arrows are a worker's: they need the attempt that the row names (DESIGN.md §2, rule 2).
    """

    name: str
    sources: frozenset[State]
    target: State
    fenced: bool = False

    def allows(self, state: State) -> bool:
        """Tell whether a job in `state` may take this arrow."""
        return state in self.sources


def _arrow(name: str, sources: Collection[State], target: State, *, fenced: bool = False) -> Transition:
    return Transition(name, frozenset(sources), target, fenced)


ACCEPT = _arrow("accept", (), State.PENDING)
ANNOUNCE = _arrow("announce", {State.PENDING}, State.QUEUED)
CLAIM = _arrow("claim", WAITING, State.PROCESSING)
COMPLETE = _arrow("complete", {State.PROCESSING}, State.COMPLETED, fenced=True)
FAIL = _arrow("fail", {State.PROCESSING}, State.FAILED, fenced=True)
RETRY_LATER = _arrow("retry_later", {State.PROCESSING}, State.QUEUED, fenced=True)
HAND_BACK = _arrow("hand_back", {State.PROCESSING}, State.QUEUED, fenced=True)
EXPIRE = _arrow("expire", {State.PROCESSING}, State.QUEUED, fenced=True)
EXPIRE_SPENT = _arrow("expire_spent", {State.PROCESSING}, State.FAILED, fenced=True)
UNLOCK = _arrow("unlock", {State.PROCESSING}, State.QUEUED)
CANCEL = _arrow("cancel", LIVE, State.CANCELLED)
RETRY = _arrow("retry", {State.FAILED, State.CANCELLED}, State.QUEUED)

TRANSITIONS: tuple[Transition, ...] = (
    ACCEPT, ANNOUNCE, CLAIM, COMPLETE, FAIL, RETRY_LATER, HAND_BACK, EXPIRE, EXPIRE_SPENT, UNLOCK, CANCEL, RETRY,
)  # fmt: skip
