"""The rules of Prometheus, by the programs that will read them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from support.servers import missing

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "infra" / "prometheus"


@pytest.fixture(autouse=True)
def programs() -> None:
    for program, package in (("promtool", "prometheus"), ("amtool", "prometheus-alertmanager")):
        if shutil.which(program) is None:
            missing(f"{program} is not installed; on Debian: apt-get install {package}")


def test_the_configurations_are_valid_and_every_rule_passes_its_tests() -> None:
    """What `make check` runs: promtool checks and tests the rules, amtool checks the routes."""
    done = subprocess.run(
        [ROOT / "infra" / "development" / "check-alerts"], capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "promtool and amtool are content" in done.stdout


def test_a_wrong_rule_is_noticed(tmp_path: Path) -> None:
    """The tests of the rules are not content with anything: one threshold higher, and promtool names the rule."""
    for folder in ("rules", "tests"):
        shutil.copytree(PROMETHEUS / folder, tmp_path / folder)
    rules = tmp_path / "rules" / "alerts.yml"
    right = 'relais_jobs{state="pending"}) > 10'
    assert right in rules.read_text()
    rules.write_text(rules.read_text().replace(right, right + "0"))
    done = subprocess.run(
        ["promtool", "test", "rules", tmp_path / "tests" / "backlog.yml"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "RelaisMessagesPending" in done.stdout + done.stderr
