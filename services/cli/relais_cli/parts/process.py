"""A child process that can't outlive us; Ctrl-C in the terminal does not reach it before us."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from relais_cli.parts import tether
from relais_cli.parts.left_over import stop_left_over

_KILL_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class SystemUser:
    """Whom a program runs as; None: as we are."""

    uid: int | None = None
    gid: int | None = None


AS_WE_ARE = SystemUser()


@dataclass(frozen=True, slots=True)
class TetheredProcess:
    """A running program behind its tether (see `tether`), in a session and process group of its own."""

    popen: subprocess.Popen[bytes]
    grace_s: float

    @property
    def is_running(self) -> bool:
        """Whether the program has not ended yet."""
        return self.popen.poll() is None

    def stop(self) -> None:
        """Ask the program to end; after its grace period the tether kills it."""
        self.let_go()
        try:
            self.popen.wait(self.grace_s + _KILL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def let_go(self) -> None:
        """Begin the stop without waiting for its end."""
        if self.popen.stdin is not None:
            self.popen.stdin.close()

    def kill(self) -> None:
        """End the program as a power cut would: SIGKILL."""
        try:
            # By the tether, which then reaps it: an orphan's zombie may never go where process 1 isn't an init.
            os.write(self._pipe, b"K")
            self.popen.wait(_KILL_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired):  # the tether itself is gone or stuck
            self._kill_group()
        finally:
            self.let_go()

    @property
    def _pipe(self) -> int:
        if self.popen.stdin is None or self.popen.stdin.closed:
            raise BrokenPipeError
        return self.popen.stdin.fileno()

    def _kill_group(self) -> None:
        if self.is_running:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait(_KILL_TIMEOUT_S)


def start_tethered(
    command: Sequence[str | Path],
    *,
    log: Path,
    pid_file: Path,
    env: Mapping[str, str] | None = None,
    user: SystemUser = AS_WE_ARE,
    stop_signal: signal.Signals = signal.SIGTERM,
    grace_s: float = 10.0,
    cwd: Path = Path("/"),
) -> TetheredProcess:
    """Start a program in `cwd` whose output goes to the file `log`; it ends when we do, whatever ends us.

    Should the one of an earlier run, known from `pid_file`, still be ending, we wait for that first.

    Raises:
        PartError: the program of the earlier run doesn't end.
    """
    stop_left_over(pid_file, stop_signal, grace_s)
    settings = (
        int(stop_signal),
        grace_s,
        -1 if user.uid is None else user.uid,
        -1 if user.gid is None else user.gid,
        pid_file,
    )
    arguments = [*map(str, settings), *map(str, command)]
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [sys.executable, "-I", "-S", tether.__file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    return TetheredProcess(popen, grace_s)
