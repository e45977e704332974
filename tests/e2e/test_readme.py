"""The README's commands, typed as a reader types them."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from support.servers import short_folder
from support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)
ROOT = Path(__file__).parents[2]


def _commands(heading: str) -> list[str]:
    """The commands of one section of the README."""
    section = (ROOT / "README.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\$ (.+)$", section, re.MULTILINE)


def test_the_quickstart_is_two_commands_that_work() -> None:
    """The first command starts Relais on this checkout, the second prints an answer with its sources."""
    start, ask = _commands("Quickstart")
    with short_folder("readme") as folder:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}
        # Free ports instead of the usual ones; the second command finds Relais through its home.
        ports = {"RELAIS_API_PORT": "0", "RELAIS_MONITOR_PORT": "0"}
        environment = inherited | ports | {"RELAIS_HOME": str(folder / "home")}
        log = folder / "up.log"
        with log.open("wb") as output:
            up = subprocess.Popen(
                start, shell=True, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            wait_until(lambda: "Relais is ready" in log.read_text() or up.poll() is not None, 120, "ready")
            assert up.poll() is None, log.read_text()
            answer = subprocess.run(
                ask, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
        finally:
            _end(up)
        assert answer.returncode == 0, answer.stderr + log.read_text()
        assert "Sources" in answer.stdout
        assert "life-of-a-message.md" in answer.stdout


def _end(up: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C; whoever doesn't end then fails this test, and no other."""
    if up.poll() is None:
        os.killpg(up.pid, signal.SIGINT)
    try:
        up.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(up.pid, signal.SIGKILL)
        up.wait()
        raise


def test_the_tests_of_the_readme_are_those_of_ci() -> None:
    """What the README calls the test command is what CI runs."""
    assert _commands("Testing") == ["make check", "make test"]
    assert "make test" in (ROOT / ".ci" / "run").read_text()
