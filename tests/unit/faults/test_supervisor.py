"""The supervisor of a rig starts anew what ended, and tells a crash from an order."""

import signal
import sys
from pathlib import Path

import pytest

from faults.supervisor import Supervisor, ended_by_itself
from support.stack import Service
from support.waiting import wait_until


@pytest.mark.parametrize(
    ("status", "by_itself"),
    [
        (0, False),
        (-signal.SIGKILL, False),
        (-signal.SIGTERM, False),
        (1, True),
        (-signal.SIGSEGV, True),
        (-signal.SIGABRT, True),
    ],
)
def test_a_crash_is_told_from_an_order(status: int, *, by_itself: bool):
    """An error and a fault of the memory are a process's own doing; the nemesis ends by SIGKILL and SIGTERM."""
    assert ended_by_itself(status) is by_itself


_CRASHES_ONCE = """
import os, pathlib, signal
mark = pathlib.Path("{mark}")
if not mark.exists():
    mark.touch()
    os.abort()
signal.pause()
"""


def test_a_process_that_crashed_is_noted_once_and_started_anew(tmp_path: Path):
    """Each death is told once, with its status, and what comes after it runs."""
    script = _CRASHES_ONCE.format(mark=tmp_path / "mark")
    service = Service("crasher", {}, tmp_path / "log", [sys.executable, "-c", script])
    statuses: list[int] = []
    supervisor = Supervisor(lambda: [service], lambda dead: statuses.append(dead.popen.returncode))
    first = service.start().popen
    supervisor.start()
    wait_until(lambda: service.popen is not first, message="it is started anew")
    supervisor.stop()
    service.kill()
    assert statuses == [-signal.SIGABRT]
    assert all(map(ended_by_itself, statuses))
