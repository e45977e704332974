"""Each rule's own condition: figures by which it holds, and those close to them by which it doesn't."""

import pytest

from relais.lifecycle import State
from relais.parts import Part
from relais.queues import Kind
from relais_monitor.alerts.catalogue import RULE_BY_NAME, RULES
from relais_monitor.alerts.figures import Ended, Figures
from relais_monitor.alerts.judging import DATABASE_DOWN, judge
from support.alert_figures import HOUR_S, NOW, figures, past

PENDING, QUEUED, COMPLETED = State.PENDING, State.QUEUED, State.COMPLETED
ANSWER, INGEST = Kind.ANSWER, Kind.INGEST


def _ended(kind: Kind, completed: int, failed: int, mean_s: float | None = 5.0) -> Figures:
    return figures(past=past(ended_5m={**past().ended_5m, kind: Ended(completed, failed, mean_s)}))


def _late(
    field: str, long: tuple[int, float], short: tuple[int, float], kind: Kind = ANSWER, *, count: int = 3
) -> Figures:
    shares = {(kind, window_s): share for window_s, share in (long, short)}
    counts = dict.fromkeys(shares, count)
    return (
        figures(past=past(late_waits=shares, late_counts=counts))
        if field == "late_waits"
        else figures(late_oldest=shares)
    )


# By rule: figures with the value that they must give.
HOLDS: dict[str, tuple[Figures, float | None]] = {
    "RelaisMessagesPending": (figures({(INGEST, PENDING): 11}), 11),
    "RelaisBacklogLarge": (figures({(ANSWER, PENDING): 1, (ANSWER, QUEUED): 100}), 101),
    "RelaisProcessingStuck": (figures(longest_processing_s={ANSWER: 1801.0, INGEST: 5.0}), 1801),
    "RelaisQueuePaused": (figures(queues_paused=("documents",)), 1),
    "RelaisWaitBudgetBurnsFast": (_late("late_waits", (HOUR_S, 0.15), (300, 0.2)), 0.15),
    "RelaisWaitBudgetBurnsSlowly": (_late("late_waits", (6 * HOUR_S, 0.07), (1800, 0.08)), 0.07),
    "RelaisOldestWaitingLate": (_late("late_oldest", (HOUR_S, 0.2), (300, 1.0)), 0.2),
    "RelaisFailureRatioHigh": (_ended(ANSWER, completed=27, failed=3), 0.1),
    "RelaisProcessingSlow": (_ended(ANSWER, 5, 0, mean_s=60.1), 60.1),
    "RelaisManyFailures": (figures(past=past(failed_24h=11)), 11),
    "RelaisDuplicateAnswer": (figures(past=past(duplicates_24h=1)), 1),
    "RelaisResultsFenced": (figures(past=past(superseded_15m=1)), 1),
    "RelaisNoWorker": (figures({(INGEST, QUEUED): 2, (ANSWER, PENDING): 1}, workers_alive=0), 3),
    "RelaisSweeperSilent": (figures(sweeper_ran_at=NOW - 31), 31),
    "RelaisLeasesExpiring": (figures(past=past(expired_10m=4)), 4),
    "RelaisBrokerDown": (figures(broker_up=False), 0),
    "RelaisOllamaDown": (figures(workers_waiting={Part.OLLAMA: 2, Part.QDRANT: 0}), 2),
    "RelaisQdrantDown": (figures(workers_waiting={Part.OLLAMA: 0, Part.QDRANT: 2}), 2),
    "RelaisWorkersCutOff": (figures(workers_waiting={Part.OLLAMA: 1, Part.QDRANT: 0}), 1),
    "RabbitMQMemoryAlarm": (figures(broker_alarms=frozenset({"memory"})), 1),
    "RabbitMQDiskAlarm": (figures(broker_alarms=frozenset({"disk"})), 1),
}
# By rule: what comes close, by the words of the case.
HOLDS_NOT: dict[str, dict[str, Figures]] = {
    "RelaisMessagesPending": {"ten": figures({(ANSWER, PENDING): 10, (ANSWER, QUEUED): 50})},
    "RelaisBacklogLarge": {
        "a hundred": figures({(ANSWER, QUEUED): 100}),
        "documents": figures({(INGEST, QUEUED): 1000}),
    },
    "RelaisProcessingStuck": {"half an hour": figures(longest_processing_s={ANSWER: 1800.0, INGEST: 0.0})},
    "RelaisQueuePaused": {"none paused": figures()},
    "RelaisWaitBudgetBurnsFast": {
        "an old spike": _late("late_waits", (HOUR_S, 0.5), (300, 0.0)),
        "a short spike": _late("late_waits", (HOUR_S, 0.1), (300, 1.0)),
        "documents": _late("late_waits", (HOUR_S, 1.0), (300, 1.0), INGEST),
        "two late ones in a quiet hour": _late("late_waits", (HOUR_S, 1.0), (300, 1.0), count=2),
        "nothing ended": figures(past=past(late_waits={}, late_counts={})),
    },
    "RelaisWaitBudgetBurnsSlowly": {
        "an old spike": _late("late_waits", (6 * HOUR_S, 0.5), (1800, 0.0)),
        "two late ones in quiet hours": _late("late_waits", (6 * HOUR_S, 1.0), (1800, 1.0), count=2),
        "a twentieth": _late("late_waits", (6 * HOUR_S, 0.05), (1800, 0.05)),
    },
    "RelaisOldestWaitingLate": {"three minutes": _late("late_oldest", (HOUR_S, 0.05), (300, 0.6))},
    "RelaisFailureRatioHigh": {
        "a twentieth": _ended(ANSWER, completed=95, failed=5),
        "one failure at night": _ended(ANSWER, completed=0, failed=1),
        "nothing ended": _ended(ANSWER, 0, 0, None),
    },
    "RelaisProcessingSlow": {
        "a minute": _ended(ANSWER, 5, 0, mean_s=60.0),
        "slow documents": _ended(INGEST, 5, 0, mean_s=600.0),
        "idle": _ended(ANSWER, 0, 0, None),
    },
    "RelaisManyFailures": {"ten": figures(past=past(failed_24h=10))},
    "RelaisDuplicateAnswer": {"none": figures()},
    "RelaisResultsFenced": {"none lately": figures()},
    "RelaisNoWorker": {
        "nothing waits": figures({(ANSWER, COMPLETED): 9}, workers_alive=0),
        "one works": figures({(ANSWER, QUEUED): 50}, workers_alive=1),
    },
    "RelaisSweeperSilent": {"thirty seconds": figures(sweeper_ran_at=NOW - 30)},
    "RelaisLeasesExpiring": {"three": figures(past=past(expired_10m=3))},
    "RelaisBrokerDown": {"up": figures()},
    "RelaisOllamaDown": {
        "one of two": figures(workers_waiting={Part.OLLAMA: 1, Part.QDRANT: 2}),
        "no worker": figures(workers_alive=0, workers_waiting={}),
    },
    "RelaisQdrantDown": {
        "one of two": figures(workers_waiting={Part.OLLAMA: 2, Part.QDRANT: 1}),
        "no worker": figures(workers_alive=0, workers_waiting={}),
    },
    "RelaisWorkersCutOff": {
        "all of two": figures(workers_waiting={Part.OLLAMA: 2, Part.QDRANT: 0}),
        "no worker": figures(workers_alive=0, workers_waiting={}),
    },
    "RabbitMQMemoryAlarm": {"the other one": figures(broker_alarms=frozenset({"disk"}))},
    "RabbitMQDiskAlarm": {"the other one": figures(broker_alarms=frozenset({"memory"}))},
}
# By rule: figures that don't say.
UNKNOWN: dict[str, Figures] = {
    **dict.fromkeys(
        ["RelaisFailureRatioHigh", "RelaisManyFailures", "RelaisLeasesExpiring", "RelaisWaitBudgetBurnsFast"],
        figures(past=None),
    ),
    "RelaisBrokerDown": figures(broker_up=None),
    "RabbitMQDiskAlarm": figures(broker_alarms=None),
}


def _found(name: str, given: Figures) -> list[float | None]:
    return [finding.value for (rule, _), finding in judge(given).findings.items() if rule == name]


def _close() -> list[tuple[str, str]]:
    return [(name, words) for name, cases in HOLDS_NOT.items() for words in cases]


def test_every_rule_that_the_monitor_judges_is_tested_both_ways() -> None:
    """A rule without a case that fires and one that doesn't could be wrong unnoticed."""
    judged = {rule.name for rule in RULES if rule.condition is not None} - {DATABASE_DOWN}
    assert set(HOLDS) == judged
    assert set(HOLDS_NOT) == judged


@pytest.mark.parametrize("name", HOLDS)
def test_holds(name: str) -> None:
    """The condition holds, once, with the value that people are told."""
    given, value = HOLDS[name]
    assert _found(name, given) == [pytest.approx(value)]


@pytest.mark.parametrize(("name", "words"), _close())
def test_does_not_hold(name: str, words: str) -> None:
    """What comes close is no alert."""
    judgement = judge(HOLDS_NOT[name][words])
    assert _found(name, HOLDS_NOT[name][words]) == []
    assert name not in judgement.unknown


@pytest.mark.parametrize("name", UNKNOWN)
def test_is_unknown(name: str) -> None:
    """Where the figures don't say, the rule neither holds nor does not."""
    assert name in judge(UNKNOWN[name]).unknown
    assert _found(name, UNKNOWN[name]) == []


def test_a_healthy_system_has_no_alert() -> None:
    """Nothing holds, and everything is known."""
    judgement = judge(figures())
    assert dict(judgement.findings) == {}
    assert judgement.unknown == frozenset()


def test_without_the_database_only_that_is_known() -> None:
    """A database that doesn't answer is an alert; all other rules are unknown."""
    judgement = judge(None)
    assert [rule for rule, _ in judgement.findings] == [DATABASE_DOWN]
    assert judgement.unknown == {rule.name for rule in RULES if rule.condition is not None} - {DATABASE_DOWN}


def test_a_sweeper_that_never_ran_is_silent_for_an_unknown_time() -> None:
    """There is no age to tell, and it is said so."""
    assert _found("RelaisSweeperSilent", figures(sweeper_ran_at=None)) == [None]
    assert RULE_BY_NAME["RelaisSweeperSilent"].evidence(None) == "an unknown time since the sweeper ran"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("RelaisNoWorker", 3, "3 jobs waiting without a worker"),
        ("RelaisFailureRatioHigh", 0.1234, "12.3% of the jobs of the last 5 minutes failed"),
        ("RelaisProcessingSlow", 75.4, "1m 15s mean processing time"),
        ("RelaisSweeperSilent", 31.2, "31s since the sweeper ran"),
        ("RelaisProcessingStuck", 7325.0, "2h 2m 5s since the oldest running job began"),
    ],
)
def test_evidence_is_in_words(name: str, value: float, words: str) -> None:
    """A value is spelt with its unit, as a person would."""
    assert RULE_BY_NAME[name].evidence(value) == words
