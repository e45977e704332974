"""What is wrong, in words for somebody who sees Relais for the first time."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from relais.lifecycle import LIVE
from relais.parts import Part
from relais.queues import Kind
from relais.store.backlog import Backlog
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
