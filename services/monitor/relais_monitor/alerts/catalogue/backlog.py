"""Rules about what waits and what runs for too long."""

from typing import Final

from relais.lifecycle import State
from relais.queues import Kind
from relais_monitor.alerts.figures import Figures
from relais_monitor.alerts.rule import Finding, Measure, Rule, Severity

_MOST_PENDING: Final = 10
_MOST_WAITING: Final = 100
_LONGEST_PROCESSING_S: Final = 1800
_LONGEST_PAUSE_S: Final = 3600
_CAUSES: Final = ("RelaisDatabaseDown", "RelaisNoWorker", "RelaisOllamaDown", "RelaisQdrantDown")


def _pending(figures: Figures) -> tuple[Finding, ...]:
    counts = {kind: figures.jobs[kind, State.PENDING] for kind in Kind}
    return tuple(Finding(count, {"kind": kind}) for kind, count in counts.items() if count > _MOST_PENDING)


def _backlog(figures: Figures) -> tuple[Finding, ...]:
    waiting = figures.waiting(Kind.ANSWER)
    return (Finding(waiting, {"kind": Kind.ANSWER}),) if waiting > _MOST_WAITING else ()


def _stuck(figures: Figures) -> tuple[Finding, ...]:
    ages = figures.longest_processing_s
    return tuple(Finding(age, {"kind": kind}) for kind, age in ages.items() if age > _LONGEST_PROCESSING_S)


def _paused(figures: Figures) -> tuple[Finding, ...]:
    return tuple(Finding(1.0, {"queue": queue}) for queue in figures.queues_paused)


RULES: Final = (
    Rule(
        name="RelaisMessagesPending",
        severity=Severity.WARNING,
        for_s=300,
        summary="Accepted jobs are not announced to the broker.",
        description="More than 10 jobs have been pending for 5 minutes. The API announces a job at once and the sweeper"
        " after two seconds, so neither of them reaches RabbitMQ. Workers that look by themselves may still"
        " take them.",
        unit="jobs pending",
        expr=f'max by (kind) (relais_jobs{{state="pending"}}) > {_MOST_PENDING}',
        condition=_pending,
        inhibited_by=("RelaisDatabaseDown", "RelaisBrokerDown", "RelaisSweeperSilent"),
    ),
    Rule(
        name="RelaisBacklogLarge",
        severity=Severity.WARNING,
        for_s=120,
        summary="Many messages wait for an answer.",
        description="More than 100 messages have waited for two minutes: they come in faster than the workers answer, "
        "or the workers can't answer. Documents don't count, since an upload brings many at once.",
        unit="messages waiting",
        expr="sum by (kind) (max by (kind, state) "
        f'(relais_jobs{{kind="answer", state=~"pending|queued"}})) > {_MOST_WAITING}',
        condition=_backlog,
        inhibited_by=_CAUSES,
    ),
    Rule(
        name="RelaisProcessingStuck",
        severity=Severity.CRITICAL,
        for_s=60,
        summary="A job has been processing for more than 30 minutes.",
        description="No attempt may run that long: its deadline ends it after 20 minutes at most, and the sweeper takes"
        " the job of a worker that fell silent. Both have failed here, so a person has to unlock the job.",
        unit="since the oldest running job began",
        measure=Measure.SECONDS,
        expr=f"max by (kind) (relais_longest_processing_seconds) > {_LONGEST_PROCESSING_S}",
        condition=_stuck,
        inhibited_by=("RelaisDatabaseDown",),
    ),
    Rule(
        name="RelaisQueuePaused",
        severity=Severity.WARNING,
        for_s=_LONGEST_PAUSE_S,
        summary="A queue has been paused for more than an hour.",
        description="Messages are accepted and wait, but no worker takes any until somebody resumes the queue. It may "
        "have been forgotten after maintenance.",
        unit="queue paused",
        expr="max by (queue) (relais_queue_paused) == 1",
        condition=_paused,
        inhibited_by=("RelaisDatabaseDown",),
    ),
)
