"""Child processes that can't outlive their starter."""

import signal
import sys
from pathlib import Path

import psutil

from relais_cli.parts.process import TetheredProcess, start_tethered
from support.waiting import wait_until

DEAF = "import signal; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGTERM, signal.SIGINT)]"


def _start(tmp_path: Path, code: str, **options: object) -> tuple[TetheredProcess, psutil.Process]:
    pid_file, log = tmp_path / "pid", tmp_path / "log"
    log.unlink(missing_ok=True)
    code = f"{code}\nprint('ready', flush=True)\nimport time\nwhile True: time.sleep(60)"
    process = start_tethered([sys.executable, "-c", code], log=log, pid_file=pid_file, **options)
    wait_until(lambda: log.exists() and "ready" in log.read_text())
    return process, psutil.Process(int(pid_file.read_text()))


def test_a_stop_asks_first(tmp_path: Path) -> None:
    """The program gets the stop signal and may end in order."""
    code = "import signal, sys; signal.signal(signal.SIGINT, lambda *_: (print('bye', flush=True), sys.exit(0)))"
    process, program = _start(tmp_path, code, stop_signal=signal.SIGINT)
    process.stop()
    assert not program.is_running()
    assert "bye" in (tmp_path / "log").read_text()


def test_a_program_that_ignores_the_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    """A deaf program can't hold up the shutdown."""
    process, program = _start(tmp_path, DEAF, grace_s=0.2)
    process.stop()
    assert not program.is_running()


def test_a_kill_is_at_once(tmp_path: Path) -> None:
    """SIGKILL doesn't wait for the grace period, and no zombie stays."""
    process, program = _start(tmp_path, DEAF, grace_s=60.0)
    process.kill()
    assert not program.is_running()
    assert not process.is_running


def test_the_program_dies_with_a_killed_tether(tmp_path: Path) -> None:
    """Even SIGKILL to the tether leaves nothing behind (on Linux; elsewhere the next start cleans up)."""
    process, program = _start(tmp_path, DEAF)
    process.popen.kill()
    process.popen.wait()
    process.let_go()
    wait_until(lambda: not program.is_running() or program.status() == psutil.STATUS_ZOMBIE)


def test_ctrl_c_in_the_terminal_does_not_reach_the_program(tmp_path: Path) -> None:
    """It runs in a session of its own; we decide the order of the shutdown."""
    process, program = _start(tmp_path, "")
    assert psutil.Process(process.popen.pid).terminal() is None
    assert program.parent() == psutil.Process(process.popen.pid)
    process.stop()


def test_the_program_of_an_earlier_run_ends_before_the_next_begins(tmp_path: Path) -> None:
    """Two servers never share a data folder."""
    first, old = _start(tmp_path, "")
    second, new = _start(tmp_path, "")
    assert not old.is_running()
    assert new.is_running()
    first.stop()
    second.stop()
