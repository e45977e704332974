"""What the command `python -m faults` takes for a proof."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import faults.__main__ as campaign
from faults.__main__ import proves
from faults.result import TrialResult, Violation


def test_a_trial_without_violation_proves_something():
    """Messages were accepted, and nothing was broken."""
    assert proves(TrialResult("fault", 1, accepted=3))


@pytest.mark.parametrize(
    "result",
    [
        TrialResult("fault", 1),
        TrialResult("fault", 1, accepted=3, error="not set up"),
        TrialResult("fault", 1, accepted=3, violations=[Violation("accepted_ends", "still queued")]),
    ],
    ids=["nothing-accepted", "error", "violation"],
)
def test_another_one_fails_the_campaign(result: TrialResult):
    """A trial in which nothing was accepted, one that was not finished and one with a violation are no proof."""
    assert not proves(result)


def test_sigterm_ends_a_campaign_as_ctrl_c_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It stops its lanes and tells what there is; else they would go on without it."""
    before = signal.getsignal(signal.SIGTERM)

    def told_to_stop(*_: object) -> Iterator[TrialResult]:
        yield TrialResult("api.sigkill", 1, accepted=3)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(campaign, "_run", told_to_stop)
    try:
        assert campaign.main(["--fault", "api.sigkill", "--results", str(tmp_path / "results")]) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "interrupted; the table so far" in capsys.readouterr().out


_MANY_TASKS_AND_NO_LANE = """
from faults.__main__ import _run
from faults.lane import Task
print(list(_run([Task("api.sigkill", seed) for seed in range(2_000)], lanes=0)))
"""


def test_a_campaign_ends_though_tasks_are_left() -> None:
    """One that is cut short has more of them than a pipe holds, and no lane that takes them."""
    folder = Path(campaign.__file__).parents[1]
    command = [sys.executable, "-c", _MANY_TASKS_AND_NO_LANE]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "[]\n"
