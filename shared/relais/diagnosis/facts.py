"""The facts that a diagnosis rests on; all ages in seconds, jobs by their refs."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from relais.explain import Explanation
from relais.lifecycle import State


@dataclass(frozen=True, slots=True)
class Run:
    """A job in `processing`.

    Args:
        ref: of the job.
        queue: its queue.
        attempt: the one that runs.
        worker_id: who runs it.
        runs_s: since it began.
        deadline_s: how long it may take.
        lease_s: until the lease of this attempt and worker ends; None: there is no such lease.
        worker_age_s: since the worker was last seen; None: the register has forgotten it.
        worker_gone_s: since the worker said goodbye or was declared dead; None: it didn't.
    """

    ref: str
    queue: str
    attempt: int
    worker_id: int
    runs_s: float
    deadline_s: float
    lease_s: float | None
    worker_age_s: float | None
    worker_gone_s: float | None = None


@dataclass(frozen=True, slots=True)
class StrayLease:
    """A lease whose job doesn't run, or is run by another attempt or worker."""

    ref: str
    state: State
    attempt: int
    worker_id: int
    ends_in_s: float


@dataclass(frozen=True, slots=True)
class Oldest:
    """The job of a queue that waits longest, those of paused agents aside, and why it does."""

    ref: str
    waits_s: float
    why: Explanation


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """One queue.

    Args:
        name: of the queue.
        waiting: how many wait.
        unannounced: `pending` ones that should long have been announced, counted up to a limit.
        eligible: how many could start at once, counted within the first thousands of the line.
        eligible_waits_s: the longest that one of these waits; None: there is none.
        paused_for_s: since it was paused; None: it isn't.
        workers: that live and serve it.
        workers_waiting: those of them that find a part down.
        parts_down: the parts that these find down.
        slots_idle: free slots of workers that may claim.
        tokens: ready in the broker, as the sweeper saw lately; None: not known.
        oldest: None: nothing waits.
    """

    name: str
    waiting: int = 0
    unannounced: int = 0
    eligible: int = 0
    eligible_waits_s: float | None = None
    paused_for_s: float | None = None
    workers: int = 1
    workers_waiting: int = 0
    parts_down: Sequence[str] = ()
    slots_idle: int = 0
    tokens: int | None = None
    oldest: Oldest | None = None


@dataclass(frozen=True, slots=True)
class PausedAgent:
    """An agent whose jobs nobody claims; `waiting` is counted up to a limit."""

    slug: str
    paused_for_s: float
    waiting: int


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """The jobs that failed for one reason within a day and are still failed; `refs` names the newest."""

    error_code: str
    count: int
    first_s: float
    last_s: float
    refs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Poison:
    """A job that costs its workers their lives: how often one was lost, and the job's state now."""

    ref: str
    state: State
    lost: int


class Breach(StrEnum):
    """A broken promise about answers."""

    COMPLETED_TWICE = "completed_twice"
    ANSWER_OF_OTHER_ATTEMPT = "answer_of_other_attempt"
    ANSWER_WITHOUT_COMPLETION = "answer_without_completion"
    COMPLETED_WITHOUT_ANSWER = "completed_without_answer"


@dataclass(frozen=True, slots=True)
class Broken:
    """A job whose answer contradicts it."""

    breach: Breach
    ref: str
    state: State
    attempt: int
    answer_attempt: int | None


@dataclass(frozen=True, slots=True)
class SilentWorker:
    """A worker that neither said goodbye nor was heard of lately."""

    id: int
    name: str
    age_s: float


@dataclass(frozen=True, slots=True)
class Facts:
    """One consistent picture; with another schema than this release's, only the revisions are known.

    Args:
        revision: of the database; None: it was never migrated.
        head: the revision that this release needs.
        sweeper_age_s: since the sweeper ran; None: never.
        broker_up: as the sweeper saw it lately; None: not known.
    """

    revision: str | None
    head: str
    queues: Sequence[QueueFacts] = ()
    paused_agents: Sequence[PausedAgent] = ()
    runs: Sequence[Run] = ()
    stray_leases: Sequence[StrayLease] = ()
    failures: Sequence[FailureGroup] = ()
    poison: Sequence[Poison] = ()
    broken: Sequence[Broken] = ()
    silent_workers: Sequence[SilentWorker] = ()
    sweeper_age_s: float | None = None
    broker_up: bool | None = None

    @property
    def is_current(self) -> bool:
        """Whether the database has the schema of this release."""
        return self.revision == self.head
