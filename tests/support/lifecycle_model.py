"""What the lifecycle should do, said a second time and naively: the model that the store is compared with."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

MAX_ATTEMPTS = 3
Settlement = Literal["complete", "fail", "retry_later", "hand_back"]
LIVE = {"pending", "queued", "processing"}
WAITING = {"pending", "queued"}
ENTERS = {"complete": "completed", "fail": "failed", "retry_later": "queued", "hand_back": "queued"}


@dataclass
class ModelJob:
    """One job as it should be; `due` is false while its `run_at` lies ahead."""

    id: UUID
    session: UUID
    priority: int
    ticket: int
    state: str = "pending"
    attempt: int = 0
    attempt_limit: int = MAX_ATTEMPTS
    due: bool = True
    worker: int | None = None
    error_code: str | None = None
    lapsed: bool = False
    answered_by: int | None = None
    events: list[tuple[str, str | None, str, int]] = field(default_factory=list)

    def move(self, transition: str, target: str, *, error_code: str | None = None) -> None:
        self.events.append((transition, self.state if self.events else None, target, self.attempt))
        self.state, self.error_code = target, error_code

    @property
    def place(self) -> tuple[int, int]:
        return self.priority, self.ticket


@dataclass
class ModelWorker:
    """One worker; `silent` when its last heartbeat is long ago."""

    id: int
    silent: bool = False
    holds_lock: bool = False
    stopped: bool = False


@dataclass
class Model:
    """Jobs, workers, lanes and the pause of the one queue."""

    jobs: dict[UUID, ModelJob] = field(default_factory=dict)
    workers: dict[int, ModelWorker] = field(default_factory=dict)
    last_ticket: dict[int, int] = field(default_factory=dict)
    paused: bool = False
    agent_paused: bool = False

    def add_worker(self, worker: int) -> None:
        self.workers[worker] = ModelWorker(worker)

    def accept(self, job_id: UUID, session: UUID, priority: int) -> None:
        job = ModelJob(job_id, session, priority, self._next_ticket(priority))
        job.move("accept", "pending")
        self.jobs[job_id] = job

    def lane_of(self, session: UUID, priority: int) -> int:
        """A busy session keeps its lane."""
        return max(
            (j.priority for j in self.jobs.values() if j.session == session and j.state in LIVE), default=priority
        )

    def first_in_turn(self) -> ModelJob | None:
        """The job that the next claim takes."""
        return min(filter(self._in_turn, self.jobs.values()), key=lambda job: job.place, default=None)

    def count_in_turn(self) -> int:
        """How many could start at once."""
        return sum(map(self._in_turn, self.jobs.values()))

    def _in_turn(self, job: ModelJob) -> bool:
        others = [o for o in self.jobs.values() if o.session == job.session and o is not job and o.state in LIVE]
        held_back = any(o.state == "processing" or o.place < job.place for o in others)
        return job.state in WAITING and job.due and not (self.paused or self.agent_paused or held_back)

    def claim(self, job: ModelJob, worker: int) -> None:
        job.attempt += 1
        job.move("claim", "processing")
        job.worker, job.lapsed = worker, False

    def settle(self, job: ModelJob, attempt: int, how: Settlement) -> bool:
        """Apply the outcome of an attempt; False when it is fenced off."""
        if job.state != "processing" or job.attempt != attempt:
            job.events.append(("superseded", job.state, job.state, attempt))
            return False
        job.move(how, ENTERS[how], error_code=how if how in {"fail", "retry_later"} else None)
        job.due = how != "retry_later"
        job.attempt_limit += how == "hand_back"
        if how == "complete":
            job.answered_by = attempt
        return True

    def cancel(self, job: ModelJob) -> None:
        job.move("cancel", "cancelled", error_code=job.error_code)
        job.due = True

    def is_loose(self, job: ModelJob) -> bool:
        """Whether the job runs and its worker won't finish it."""
        if job.state != "processing" or job.worker is None:
            return False
        worker = self.workers[job.worker]
        return job.lapsed or worker.stopped or worker.silent

    def unlocks(self, job: ModelJob, *, force: bool) -> bool:
        """Whether a person may take the job back."""
        return job.state == "processing" and (force or (self.is_loose(job) and job.attempt < job.attempt_limit))

    def unlock(self, job: ModelJob) -> None:
        job.attempt_limit = max(job.attempt_limit, job.attempt + 1)
        job.move("unlock", "queued")
        job.due = True

    def retry(self, job: ModelJob) -> None:
        job.ticket = self._next_ticket(job.priority)
        job.attempt_limit, job.due = job.attempt + MAX_ATTEMPTS, True
        job.move("retry", "queued")

    def sweep(self) -> set[int]:
        """Declare the silent ones without a lock dead, take jobs from the dead and from lapsed leases."""
        dead = {w.id for w in self.workers.values() if w.silent and not w.holds_lock and not w.stopped}
        for worker in dead:
            self.workers[worker].stopped = True
        for job in self.jobs.values():
            lost = job.worker is not None and self.workers[job.worker].stopped
            if job.state == "processing" and (job.lapsed or lost):
                code = "worker_lost" if lost else "lease_expired"
                spent = job.attempt >= job.attempt_limit
                job.move("expire_spent" if spent else "expire", "failed" if spent else "queued", error_code=code)
                job.due = True
        return dead

    def position(self, job: ModelJob) -> int:
        """The naive count."""
        return 1 + sum(other.state in WAITING and other.place < job.place for other in self.jobs.values())

    def _next_ticket(self, priority: int) -> int:
        self.last_ticket[priority] = self.last_ticket.get(priority, 0) + 1
        return self.last_ticket[priority]
