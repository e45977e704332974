"""The commands by which a cluster asks a worker how it is, run as the cluster runs them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.manifests import container, of_kind

WORKER = container(of_kind("Deployment")["rag-worker"])


def _passes(probe: str, heartbeat: Path) -> bool:
    python, *arguments = WORKER[probe]["exec"]["command"]
    assert python == "python"  # the image's; here it is this one
    environment = {"RELAIS_WORKER_HEALTH_FILE": str(heartbeat)}
    return (
        subprocess.run(
            [sys.executable, *arguments], env=environment, capture_output=True, check=False, timeout=60
        ).returncode
        == 0
    )


@pytest.mark.parametrize(
    ("age_s", "ready", "alive"),
    [(0, True, True), (120, False, True), (900, False, False)],
    ids=["now", "2min", "15min"],
)
def test_a_worker_is_judged_by_its_last_heartbeat(tmp_path: Path, age_s: float, ready: bool, alive: bool) -> None:
    """Silent for two minutes it isn't ready, but lives: only a long silence is worth a new process."""
    heartbeat = tmp_path / "heartbeat"
    heartbeat.touch()
    os.utime(heartbeat, times=(time.time() - age_s,) * 2)
    assert _passes("startupProbe", heartbeat)
    assert _passes("readinessProbe", heartbeat) == ready
    assert _passes("livenessProbe", heartbeat) == alive


def test_a_worker_has_started_with_its_first_heartbeat(tmp_path: Path) -> None:
    """Before, it waits for its database, and the other probes don't run yet."""
    assert not _passes("startupProbe", tmp_path / "heartbeat")
