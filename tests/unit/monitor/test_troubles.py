"""What is wrong, in words for somebody who sees Relais for the first time."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from relais.lifecycle import LIVE
from relais.parts import Part
from relais.queues import Kind
from relais.store.backlog import Backlog
from relais.store.monitor_failures import CauseOfFailure
from relais.store.monitor_pauses import Pause
from relais.store.monitor_workers import ListedWorker
from relais.store.stats import BrokerReport, Stats
from relais_monitor.reading.troubles import find_troubles

NOW = 1_000_000.0


def backlog(**waiting: int) -> Backlog:
    jobs = {(kind, state): 0 for kind in Kind for state in LIVE}
    jobs |= {(Kind(kind), "queued"): count for kind, count in waiting.items()}
    return Backlog(jobs, dict.fromkeys(Kind, 90.0), dict.fromkeys(Kind, 0.0))


def worker(**changed: object) -> ListedWorker:
    well = ListedWorker(
        id=1, name="host:1", version="0.1.0", queues=["ai-messages", "documents"], slots=4, up_s=60, seen_s=0.2,
        stopped=False, waiting_for=[], jobs=[],
    )  # fmt: skip
    return replace(well, **changed)


WELL = Stats(
    now=NOW, backlog=backlog(), workers_alive=2, workers_silent=0, slots=8, slots_busy=0, slots_waiting=0,
    waiting_for={}, sweeper_ran_at=NOW - 1, broker=BrokerReport(up=True, ready={}, alarms=frozenset()), agents={},
    deleted_agents={}, models=frozenset(), queues_paused={}, agents_paused=[],
)  # fmt: skip


def found(stats=WELL, workers=(), pauses=()):
    return {(one.code, one.severity) for one in find_troubles(stats, workers, pauses)}


def test_nothing_is_wrong_when_all_is_well():
    """A system that works shows no trouble, busy or idle."""
    assert found(workers=[worker()]) == set()
    assert found(replace(WELL, backlog=backlog(answer=7)), [worker()]) == set()


@pytest.mark.parametrize(
    ("stats", "expected"),
    [
        pytest.param(replace(WELL, workers_alive=0, slots=0), ("no_worker", "warning"), id="no-worker-nothing-waits"),
        pytest.param(
            replace(WELL, workers_alive=0, backlog=backlog(answer=3)), ("no_worker", "critical"), id="no-worker"
        ),
        pytest.param(replace(WELL, workers_silent=1), ("worker_silent", "warning"), id="silent"),
        pytest.param(replace(WELL, waiting_for={Part.OLLAMA: 2}), ("part_down", "critical"), id="part-down"),
        pytest.param(replace(WELL, waiting_for={Part.QDRANT: 1}), ("part_down", "warning"), id="part-down-for-some"),
        pytest.param(replace(WELL, sweeper_ran_at=None), ("sweeper_silent", "critical"), id="no-sweeper"),
        pytest.param(replace(WELL, sweeper_ran_at=NOW - 60), ("sweeper_silent", "critical"), id="late-sweeper"),
        pytest.param(
            replace(WELL, broker=BrokerReport(up=False, ready={})), ("broker_down", "warning"), id="broker-down"
        ),
        pytest.param(
            replace(WELL, broker=BrokerReport(up=True, ready={}, alarms=frozenset({"disk"}))),
            ("broker_alarm", "warning"),
            id="broker-alarm",
        ),
    ],
)
def test_each_trouble_is_told(stats, expected):
    """Every part that is down is named, as bad as it is for what waits."""
    assert found(stats, [worker()]) == {expected}


def test_a_queue_that_nobody_serves_is_told():
    """Workers live, but none takes documents: that is as bad as no worker, for documents alone."""
    only_messages = [worker(queues=["ai-messages"]), worker(id=2, stopped=True), worker(id=3, seen_s=99)]
    troubles = find_troubles(replace(WELL, backlog=backlog(ingest=1, answer=1)), only_messages, [])
    assert [(one.code, one.title) for one in troubles] == [("queue_unserved", "No worker serves documents")]


def test_what_is_paused_can_be_resumed_from_there():
    """A pause is information, not an alarm, and says where to end it."""
    since = datetime.fromtimestamp(NOW - 60, UTC)
    troubles = find_troubles(WELL, [worker()], [Pause("queue", "documents", since), Pause("agent", "demo", since)])
    assert [(one.severity, one.resume) for one in troubles] == [("info", "queues/documents"), ("info", "agents/demo")]


def test_the_worst_comes_first():
    """Who reads only the first line reads what stops everything."""
    stats = replace(WELL, workers_silent=1, sweeper_ran_at=None)
    troubles = find_troubles(stats, [worker()], [Pause("queue", "documents", datetime.now(UTC))])
    assert [one.severity for one in troubles] == ["critical", "warning", "info"]


def lost(**changed: object) -> CauseOfFailure:
    at = datetime.fromtimestamp(NOW - 60, UTC)
    return replace(CauseOfFailure("answer", "worker_lost", 2, 0, at, at, "0123456789ab", more=False), **changed)


def test_jobs_that_cost_workers_their_lives_can_be_retried_from_there():
    """The trouble leads to the job that failed last, and retries just these, by a click or a command."""
    [one] = find_troubles(WELL, [worker()], [], [lost()])
    assert (one.code, one.severity, one.ref) == ("worker_lost", "warning", "0123456789ab")
    assert one.title == "2 jobs failed because their workers died"
    assert one.retry == {"state": "failed", "kind": "answer", "error_code": "worker_lost"}
    assert one.command == "relais queue retry --kind answer --error-code worker_lost --limit 5 --execute"


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(lost(error_code="model_missing"), id="another-cause"),
        pytest.param(lost(failed=0, retrying=1, last_at=None), id="one-death"),
        pytest.param(lost(last_at=datetime.fromtimestamp(NOW - 90_000, UTC)), id="yesterday"),
    ],
)
def test_other_failures_are_no_trouble_of_now(failure):
    """What failed for another reason stands in its own list; a first death is retried by itself."""
    assert find_troubles(WELL, [worker()], [], [failure]) == []


def test_a_pause_that_keeps_jobs_waiting_is_a_warning():
    """It says how many wait since when, and what to type."""
    stats = replace(WELL, backlog=backlog(ingest=3))
    [one] = find_troubles(stats, [worker()], [Pause("queue", "documents", datetime.fromtimestamp(NOW - 60, UTC))])
    assert one.severity == "warning"
    assert "60 s ago: no worker takes a job of it. 3 jobs wait." in one.meaning
    assert one.command == "relais queue resume documents --execute"


def test_waiting_jobs_that_nobody_announces_can_be_woken():
    """Without the sweeper, jobs beside free slots are a reason to wake workers; without jobs there is none."""
    late = replace(WELL, sweeper_ran_at=NOW - 60)
    [idle] = find_troubles(late, [worker()], [])
    [stuck] = find_troubles(replace(late, backlog=backlog(answer=3)), [worker()], [])
    assert (idle.wake, stuck.wake) == (False, True)
    assert stuck.title == "Nobody wakes the workers: the sweeper doesn't run"
    assert stuck.meaning.startswith("3 jobs wait, the oldest for 90 s, although workers have 8 free slots. The sweeper")
