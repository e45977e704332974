"""The facts that say why a job is where it is, and what comes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from relais.lifecycle import State
from relais.refs import ref_of


class Cause(StrEnum):
    """Why a job is where it is."""

    QUEUE_PAUSED = "queue_paused"
    AGENT_PAUSED = "agent_paused"
    NO_WORKER = "no_worker"
    PART_DOWN = "part_down"
    SESSION_BUSY = "session_busy"
    BACKING_OFF = "backing_off"
    IN_LINE = "in_line"
    SLOTS_BUSY = "slots_busy"
    NOT_ANNOUNCED = "not_announced"
    STARTING = "starting"
    RUNNING = "running"
    WORKER_SILENT = "worker_silent"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Blocker:
    """An earlier job of the same session (or document) that must end first."""

    id: str
    state: State


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says of a job and of what it depends on; all ages and times to come in seconds.

    Args:
        state: of the job.
        queue: where it waits or waited.
        attempt: the current or last one.
        attempt_limit: the last that may run.
        waits_s: since it was accepted, or since a person put it back.
        due_in_s: until its next attempt may begin; None when it may begin at once.
        error_code: of the last attempt that failed.
        error: what that means.
        paused_for_s: since its queue was paused.
        agent: slug of its agent.
        agent_paused_for_s: since that was paused.
        blocker: what its session does instead.
        workers: that live and serve the queue.
        workers_waiting: those of them that find a part down.
        parts_down: the parts that these find down.
        worker_seen_s: since any worker of the queue was last seen; None: never.
        slots: of the workers that may claim.
        busy: how many of these slots are taken, by kind of job.
        ahead: jobs before it in the line; None while that isn't known.
        worker_id: of the current or last attempt.
        worker_age_s: since that worker was last seen; None: the register has forgotten it.
        worker_gone: it said goodbye, or was declared dead.
        lease_s: until the lease of the current attempt ends.
        runs_s: since the current or last attempt began.
        deadline_s: how long an attempt may take.
        written: characters of the answer so far.
        sweeper_age_s: since the sweeper ran; None: never.
        broker_up: as the sweeper saw it lately; None: not known.
        tokens: ready in the broker for the queue; None: not known.
    """

    state: State
    queue: str = "ai-messages"
    attempt: int = 0
    attempt_limit: int = 3
    waits_s: float = 0.0
    due_in_s: float | None = None
    error_code: str | None = None
    error: str | None = None
    paused_for_s: float | None = None
    agent: str = ""
    agent_paused_for_s: float | None = None
    blocker: Blocker | None = None
    workers: int = 0
    workers_waiting: int = 0
    parts_down: Sequence[str] = ()
    worker_seen_s: float | None = None
    slots: int = 0
    busy: Mapping[str, int] = field(default_factory=dict)
    ahead: int | None = None
    worker_id: int | None = None
    worker_age_s: float | None = None
    worker_gone: bool = False
    lease_s: float | None = None
    runs_s: float | None = None
    deadline_s: float | None = None
    written: int = 0
    sweeper_age_s: float | None = None
    broker_up: bool | None = None
    tokens: int | None = None

    def without_ids(self) -> "Facts":
        """The same with a ref instead of the blocker's id: whoever has an id can read that message."""
        return (
            self if self.blocker is None else replace(self, blocker=replace(self.blocker, id=ref_of(self.blocker.id)))
        )

    def for_everybody(self) -> "Facts":
        """The same without ids, and without the text of the error: it may quote what a user wrote."""
        return replace(self.without_ids(), error=None)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The cause in one sentence, the figures that it rests on, and the safe next step."""

    cause: Cause
    summary: str
    next_step: str
    evidence: Mapping[str, object] = field(default_factory=dict)
