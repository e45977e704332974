"""Rules about attempts and jobs that fail, and about what must never be."""

from collections.abc import Callable
from typing import Final

from relais.queues import Kind
from relais_monitor.alerts.figures import Past
from relais_monitor.alerts.rule import BETWEEN_COUNTS, Condition, Finding, Measure, Rule, Severity

_MOST_FAILING: Final = 0.05
_ENOUGH_FAILED: Final = 3  # one failure in a quiet minute is no ratio
_LONGEST_MEAN_S: Final = 60
_MOST_FAILED: Final = 10
_INHIBITED_BY: Final = ("RelaisDatabaseDown",)


def _over(judge: Callable[[Past], tuple[Finding, ...]]) -> Condition:
    return lambda figures: None if figures.past is None else judge(figures.past)


def _ratio(past: Past) -> tuple[Finding, ...]:
    enough = {kind: ended for kind, ended in past.ended_5m.items() if ended.failed >= _ENOUGH_FAILED}
    ratios = {kind: ended.failed / (ended.failed + ended.completed) for kind, ended in enough.items()}
    return tuple(Finding(ratio, {"kind": kind}) for kind, ratio in ratios.items() if ratio > _MOST_FAILING)


def _slow(past: Past) -> tuple[Finding, ...]:
    mean_s = past.ended_5m[Kind.ANSWER].mean_processing_s
    return (Finding(mean_s, {"kind": Kind.ANSWER}),) if mean_s is not None and mean_s > _LONGEST_MEAN_S else ()


def _many(past: Past) -> tuple[Finding, ...]:
    return (Finding(past.failed_24h),) if past.failed_24h > _MOST_FAILED else ()


def _twice(past: Past) -> tuple[Finding, ...]:
    return (Finding(past.duplicates_24h),) if past.duplicates_24h else ()


def _fenced(past: Past) -> tuple[Finding, ...]:
    return (Finding(past.superseded_15m),) if past.superseded_15m else ()


RULES: Final = (
    Rule(
        name="RelaisFailureRatioHigh",
        severity=Severity.CRITICAL,
        for_s=120,
        summary="More than 5 % of the jobs fail.",
        description="Of the jobs that ended in the last 5 minutes more than 5 % failed for good, and at least three of "
        "them. Attempts that are tried again don't count, nor do cancelled jobs.",
        unit="of the jobs of the last 5 minutes failed",
        measure=Measure.RATIO,
        expr='sum by (kind) (relais:jobs_finished:increase5m{outcome="failed"})\n/\n'
        f'sum by (kind) (relais:jobs_finished:increase5m{{outcome=~"completed|failed"}}) > {_MOST_FAILING}\n'
        "and on (kind)\n"
        f'sum by (kind) (relais:jobs_finished:increase5m{{outcome="failed"}}) > {_ENOUGH_FAILED - BETWEEN_COUNTS}',
        condition=_over(_ratio),
        inhibited_by=_INHIBITED_BY,
    ),
    Rule(
        name="RelaisProcessingSlow",
        severity=Severity.WARNING,
        for_s=300,
        summary="Answers take longer than a minute on average.",
        description="The messages of the last 5 minutes took more than 60 seconds each from claim to end. The model "
        "server has too much to do, loads its model anew, or a larger model was chosen.",
        unit="mean processing time",
        measure=Measure.SECONDS,
        expr=f'relais:processing_seconds:mean5m{{kind="answer"}} > {_LONGEST_MEAN_S}',
        condition=_over(_slow),
        inhibited_by=_INHIBITED_BY,
    ),
    Rule(
        name="RelaisManyFailures",
        severity=Severity.WARNING,
        for_s=60,
        summary="More than 10 jobs failed within a day.",
        description="More than 10 jobs failed for good in the last 24 hours. They wait for a person, who retries them "
        "once the cause is gone.",
        unit="jobs failed in 24 hours",
        expr='sum(max by (kind, agent, outcome) (increase(relais_jobs_finished_total{outcome="failed"}[24h])))'
        f" > {_MOST_FAILED + BETWEEN_COUNTS}",
        condition=_over(_many),
        inhibited_by=("RelaisDatabaseDown", "RelaisFailureRatioHigh"),
    ),
    Rule(
        name="RelaisDuplicateAnswer",
        severity=Severity.CRITICAL,
        for_s=0,
        summary="A job was completed twice, which must never be.",
        description="In the last 24 hours the ledger got a second completion of a job. The fence of Relais makes that "
        "impossible, so a defect or a change made past Relais let it happen. Keep the ledger as evidence, and report "
        "it.",
        unit="jobs completed twice within 24 hours",
        # The counter begins at 0 with the first scrape, so that the first one is an increase.
        expr="max(increase(relais_duplicate_answers_total[1d])) > 0",
        condition=_over(_twice),
        inhibited_by=_INHIBITED_BY,
    ),
    Rule(
        name="RelaisResultsFenced",
        severity=Severity.WARNING,
        for_s=0,
        summary="Results came too late and were dropped.",
        description="A worker finished an attempt that had been taken from it. No answer is lost or doubled, but work "
        "is done twice: workers pause for longer than a lease, or are cut off from the database.",
        unit="results dropped in 15 minutes",
        expr="max(increase(relais_attempts_superseded_total[15m])) > 0",
        condition=_over(_fenced),
        inhibited_by=_INHIBITED_BY,
    ),
)
