"""What a diagnosis finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much it matters, the worst first."""

    CRITICAL = "critical"
    """Messages don't get answered, or a promise was broken: act now."""

    WARNING = "warning"
    """Something needs a person, or soon will."""

    INFO = "info"
    """Worth knowing; nothing is wrong."""


class Code(StrEnum):
    """The kinds of findings: causes stand before what follows from them, and so they are listed."""

    SCHEMA_OUTDATED = "schema_outdated"
    COMPLETED_TWICE = "completed_twice"
    ANSWER_OF_OTHER_ATTEMPT = "answer_of_other_attempt"
    ANSWER_WITHOUT_COMPLETION = "answer_without_completion"
    COMPLETED_WITHOUT_ANSWER = "completed_without_answer"
    SWEEPER_SILENT = "sweeper_silent"
    BROKER_DOWN = "broker_down"
    NO_WORKER = "no_worker"
    PART_DOWN = "part_down"
    QUEUE_PAUSED = "queue_paused"
    AGENT_PAUSED = "agent_paused"
    WORKER_SILENT = "worker_silent"
    NO_LEASE = "no_lease"
    LEASE_EXPIRED = "lease_expired"
    WORKER_GONE = "worker_gone"
    PAST_DEADLINE = "past_deadline"
    STRAY_LEASE = "stray_lease"
    POISON = "poison"
    TOKENS_MISSING = "tokens_missing"
    TOKENS_NOT_TAKEN = "tokens_not_taken"
    NOT_ANNOUNCED = "not_announced"
    WAITING_TOO_LONG = "waiting_too_long"
    FAILURES = "failures"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Args:
        code: its kind.
        severity: how much it matters.
        title: one sentence with the figures.
        count: how many jobs, workers or queues it concerns.
        recommendation: the safe next step.
        command: what to type for it; a command that changes something shows first what it would do.
        evidence: what shows it, at most ten entries; jobs are named by their refs.
    """

    code: Code
    severity: Severity
    title: str
    count: int
    recommendation: str
    command: str | None = None
    evidence: Sequence[Mapping[str, object]] = ()
