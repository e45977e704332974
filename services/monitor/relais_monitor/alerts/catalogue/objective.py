"""Rules about the objective: 99 % of the messages wait no longer than 60 seconds (multi-window burn rates).

The method is that of the SRE workbook, chapter 5: an alert fires when both a long window, which shows that it matters,
and a short one, which shows that it goes on, spend the error budget too fast. A rate of 14.4 spends 2 % of a month's
budget in an hour, a rate of 6 spends 5 % in six hours.
"""

from typing import Final

from relais.queues import Kind
from relais_monitor.alerts.figures import OBJECTIVE_SHARE, OBJECTIVE_WAIT_S, Figures
from relais_monitor.alerts.recording import IN_TIME
from relais_monitor.alerts.rule import BETWEEN_COUNTS, Finding, Measure, Rule, Severity

_BUDGET: Final = 1 - OBJECTIVE_SHARE
_FAST: Final = round(14.4 * _BUDGET, 4)
_SLOW: Final = round(6 * _BUDGET, 4)
_ENOUGH_LATE: Final = 3  # one late message in a quiet hour is no ratio, and wakes nobody
_INHIBITED_BY: Final = ("RelaisDatabaseDown", "RelaisNoWorker", "RelaisOllamaDown", "RelaisQdrantDown")
_OBJECTIVE: Final = (
    f"The objective is that {OBJECTIVE_SHARE:.0%} of the messages wait no longer than {OBJECTIVE_WAIT_S} s. "
)


def _burns(figures: Figures, *, threshold: float, long_s: int, short_s: int) -> tuple[Finding, ...] | None:
    if figures.past is None:
        return None
    late = figures.past.late_waits
    long, short = late.get((Kind.ANSWER, long_s), 0.0), late.get((Kind.ANSWER, short_s), 0.0)
    if figures.past.late_counts.get((Kind.ANSWER, long_s), 0) < _ENOUGH_LATE:
        return ()
    return (Finding(long, {"kind": Kind.ANSWER}),) if long > threshold and short > threshold else ()


def _burns_fast(figures: Figures) -> tuple[Finding, ...] | None:
    return _burns(figures, threshold=_FAST, long_s=3600, short_s=300)


def _burns_slowly(figures: Figures) -> tuple[Finding, ...] | None:
    return _burns(figures, threshold=_SLOW, long_s=21600, short_s=1800)


def _oldest_late(figures: Figures) -> tuple[Finding, ...]:
    late = figures.late_oldest
    long, short = late.get((Kind.ANSWER, 3600), 0.0), late.get((Kind.ANSWER, 300), 0.0)
    return (Finding(long, {"kind": Kind.ANSWER}),) if long > _FAST and short > _FAST else ()


def _burn_expr(record: str, threshold: float, long: str, short: str) -> str:
    return (
        f'{record}{long}{{kind="answer"}} > {threshold}\nand on (kind)\n{record}{short}{{kind="answer"}} > {threshold}'
    )


def _enough_late_expr(window: str) -> str:
    waits, between = "relais_queue_wait_seconds", _ENOUGH_LATE - BETWEEN_COUNTS
    return (
        f'\nand on (kind)\nmax by (kind) (increase({waits}_count{{kind="answer"}}[{window}]))\n'
        f'- max by (kind) (increase({waits}_bucket{{kind="answer", {IN_TIME}}}[{window}])) > {between}'
    )


RULES: Final = (
    Rule(
        name="RelaisWaitBudgetBurnsFast",
        severity=Severity.CRITICAL,
        for_s=120,
        summary="Messages wait too long, and the error budget of a month would be gone in two days.",
        description=_OBJECTIVE + "Over the last hour and the last 5 minutes more than 14.4 % of them waited longer, "
        "and at least three.",
        unit="of the messages of the last hour waited too long",
        measure=Measure.RATIO,
        expr=_burn_expr("relais:queue_wait_late:ratio_rate", _FAST, "1h", "5m") + _enough_late_expr("1h"),
        condition=_burns_fast,
        inhibited_by=_INHIBITED_BY,
    ),
    Rule(
        name="RelaisWaitBudgetBurnsSlowly",
        severity=Severity.WARNING,
        for_s=900,
        summary="Messages often wait too long, and the error budget of a month would be gone in five days.",
        description=_OBJECTIVE + "Over the last 6 hours and the last 30 minutes more than 6 % of them waited longer, "
        "and at least three.",
        unit="of the messages of the last 6 hours waited too long",
        measure=Measure.RATIO,
        expr=_burn_expr("relais:queue_wait_late:ratio_rate", _SLOW, "6h", "30m") + _enough_late_expr("6h"),
        condition=_burns_slowly,
        inhibited_by=("RelaisWaitBudgetBurnsFast", *_INHIBITED_BY),
    ),
    Rule(
        name="RelaisOldestWaitingLate",
        severity=Severity.CRITICAL,
        for_s=120,
        summary="The oldest waiting message has been beyond the objective for too long.",
        description=_OBJECTIVE
        + "A wait is counted when its job ends, so a line that doesn't move counts nothing; this rule "
        "looks at the oldest message instead. It was beyond the objective for more than 14.4 % of the last hour and of "
        "the last 5 minutes.",
        unit="of the last hour the oldest waiting message was late",
        measure=Measure.RATIO,
        expr=_burn_expr("relais:oldest_waiting_late:avg", _FAST, "1h", "5m"),
        condition=_oldest_late,
        inhibited_by=("RelaisWaitBudgetBurnsFast", *_INHIBITED_BY),
    ),
)
