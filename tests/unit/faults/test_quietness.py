"""What counts as more than it should be, once all is quiet."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faults.quietness import POOLS, Quietness, differences
from faults.timings import CAMPAIGN
from relais.broker import make_broker
from relais.settings import load_settings
from relais_api.main import dependencies as api_parts
from relais_api.settings import ApiSettings
from relais_monitor.main import dependencies as monitor_parts
from relais_monitor.settings import MonitorSettings
from relais_worker.main import build_worker
from relais_worker.settings import SweeperSettings, WorkerSettings
from relais_worker.sweeper.main import build_sweeper

_MANY = 40


@pytest.fixture
def idle() -> Iterator[Any]:
    """A service that has just started, and does nothing."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as popen:
        yield SimpleNamespace(module="relais_worker", popen=popen)
        popen.kill()


def test_a_process_that_is_started_later_is_held_to_the_first_size(idle: Any, tmp_path: Path):
    """A restart is no excuse: the new process is compared with its kind's size on the rig that had just started."""
    quietness = Quietness(SimpleNamespace(services=[idle]))  # type: ignore[arg-type] # as much of a rig as it needs
    assert quietness.grown(idle) == []
    restarted = SimpleNamespace(module="relais_worker", popen=SimpleNamespace(pid=os.getpid()))
    with ExitStack() as ends:
        for number in range(_MANY):
            ends.enter_context((tmp_path / str(number)).open("w"))
        found = [quietness.grown(restarted), quietness.grown(restarted)]  # type: ignore[arg-type] # as above
    assert all(any(" files, its kind began with " in leak for leak in leaks) for leaks in found)


def test_a_process_that_has_gone_is_noticed(idle: Any):
    """A service that isn't there has no size to compare."""
    quietness = Quietness(SimpleNamespace(services=[idle]))  # type: ignore[arg-type] # as above
    idle.popen.kill()
    idle.popen.wait()
    assert quietness.grown(idle) == [f"relais_worker ({idle.popen.pid}) is not there"]


def test_each_service_may_keep_what_its_pools_hold(monkeypatch: pytest.MonkeyPatch):
    """Fewer would be a false alarm one day, when all are in use at once; more would let a leak pass."""
    addresses = {"DATABASE": "postgresql://127.0.0.1:1/none", "BROKER": "memory://", "QDRANT": "http://127.0.0.1:1"}
    for name, value in {**CAMPAIGN, **{f"RELAIS_{part}_URL": url for part, url in addresses.items()}}.items():
        monkeypatch.setenv(name, value)
    broker = make_broker("memory://")
    worker = build_worker(load_settings(WorkerSettings), broker)._parts
    engines = {
        "relais-api": [api_parts(load_settings(ApiSettings), broker).engine],
        "relais-worker": [worker.engine, worker.heartbeat._engine],
        "relais-sweeper": [build_sweeper(load_settings(SweeperSettings), broker).engine],
        "relais-monitor": [monitor_parts(load_settings(MonitorSettings)).engine],
    }
    assert {name: sum(engine.pool.size() for engine in pools) for name, pools in engines.items()} == POOLS


@pytest.mark.parametrize(
    ("shown", "expected", "wrong"),
    [
        ({"relais_leases_expired_total": 2.0}, {"relais_leases_expired_total": 2.0}, False),
        ({"relais_leases_expired_total": 1.0}, {"relais_leases_expired_total": 2.0}, True),
        ({}, {"relais_leases_expired_total": 2.0}, True),
        ({'relais_jobs{kind="answer",state="queued"}': 3.0}, {}, True),
        ({'relais_jobs{kind="answer",state="queued"}': 0.0}, {}, False),
        ({'relais_jobs_waiting{kind="answer"}': 3.0}, {}, False),
    ],
    ids=["equal", "behind", "missing", "stale", "zero", "another family"],
)
def test_stale_figures_differ(shown: dict[str, float], expected: dict[str, float], *, wrong: bool):
    """A figure that the tables have no row for must be 0: a monitor that forgot to lower it is wrong."""
    assert bool(differences(shown, expected)) is wrong
