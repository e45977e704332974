"""Everything that the checker judges by: the clients' log, the rows, the ledger, samples, what the nemesis did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from faults.history import Entry
from faults.sampler import LeaseSeen, WrongPlace
from faults.windows import Windows
from relais.lifecycle import TERMINAL

ENDS = frozenset(str(state) for state in TERMINAL)


@dataclass(frozen=True, slots=True)
class Job:
    """A message's row with its answer; times in seconds since the epoch."""

    id: str
    state: str
    attempt: int
    error_code: str | None
    session: str
    ticket: int
    content: str
    key: str | None
    agent: str
    answered_by: int | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the ledger."""

    id: int
    job: str
    at: float
    transition: str
    source: str | None
    target: str
    attempt: int
    worker: int | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """A row of the register."""

    id: int
    pid: int


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A process that ended though nobody had told it to; `status` is negative for a signal."""

    at: float
    module: str
    status: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the fault permits; the fields are those of `Fault`."""

    fault: str = "test"
    budget_s: float = 30.0
    may_fail_with: frozenset[str] = frozenset()
    costs_attempts: bool = True
    may_answer_ungrounded: bool = False
    may_give_up: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evidence:
    """One trial's. `deaths` is when a process ended, by pid; `healed_at` is when the nemesis left.

    `not_serving` says what didn't come back afterwards.
    """

    entries: Sequence[Entry] = ()
    jobs: Sequence[Job] = ()
    events: Sequence[Event] = ()
    workers: Mapping[int, Worker] = field(default_factory=dict)
    leases: Sequence[LeaseSeen] = ()
    wrong_places: Sequence[WrongPlace] = ()
    deaths: Mapping[int, float] = field(default_factory=dict)
    paused: Windows = field(default_factory=Windows)
    unconfirmed: Windows = field(default_factory=Windows)
    database_harmed: Windows = field(default_factory=Windows)
    healed_at: float = 0.0
    gave_up: Sequence[GaveUp] = ()
    not_serving: Sequence[str] = ()
    leaks: Sequence[str] = ()
    wrong_metrics: Sequence[str] = ()
    allowed: Allowed = field(default_factory=Allowed)

    @cached_property
    def job(self) -> dict[str, Job]:
        return {job.id: job for job in self.jobs}

    @cached_property
    def ledger(self) -> dict[str, list[Event]]:
        """The events of each job in order; those of results that were fenced off are left out."""
        moves = sorted((e for e in self.events if e.transition != "superseded"), key=lambda e: (e.job, e.id))
        return {job: list(events) for job, events in groupby(moves, key=lambda e: e.job)}

    @cached_property
    def accepted(self) -> dict[str, Entry]:
        """The first call that acknowledged each message."""
        found: dict[str, Entry] = {}
        for entry in self.calls("submit", "ok"):
            found.setdefault(str(entry.values["id"]), entry)
        return found

    @cached_property
    def asked(self) -> dict[int, Entry]:
        """The invocation of each call."""
        return {entry.call: entry for entry in self.entries if entry.kind == "invoke"}

    def calls(self, op: str, *kinds: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.op == op and entry.kind in kinds]
