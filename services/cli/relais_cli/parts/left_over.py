"""Ends a program that an earlier, killed run of ours left behind in the same folder."""

import signal
from pathlib import Path

import psutil

from relais_cli.parts.errors import PartError

_CLOCK_SLACK_S = 5.0


def stop_left_over(pid_file: Path, stop_signal: signal.Signals, timeout_s: float) -> None:
    """Wait for the program named by `pid_file` to end, having asked it to; do nothing when there is none.

    Usually its tether is ending it already. Two servers on one data folder would destroy it.

    Raises:
        PartError: it still runs after `timeout_s` seconds.
    """
    process = _still_running(pid_file)
    if process is None:
        return
    try:
        process.send_signal(stop_signal)
        process.wait(timeout_s)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        raise PartError(f"process {process.pid} of an earlier run still uses {pid_file.parent}: end it first") from None


def _still_running(pid_file: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(int(pid_file.read_text()))
        # The number may be another program's by now; ours began when the file was written.
        is_ours = abs(process.create_time() - pid_file.stat().st_mtime) < _CLOCK_SLACK_S
        return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
