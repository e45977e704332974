"""Runs one program that must not outlive the process that asked for it.

Usage: `python -I -S tether.py SIGNAL GRACE_S UID GID PID_FILE program argument…` with a pipe as standard input
(UID -1: as we are). The program's process id goes to PID_FILE, which stays.

The asker holds the other end of the pipe; however it ends, by SIGKILL too, the kernel closes that end. We then send
SIGNAL to the program and, GRACE_S seconds later, SIGKILL; a byte on the pipe asks for SIGKILL at once. Unlike
PR_SET_PDEATHSIG alone, this doesn't depend on which thread of the asker started us, works off Linux too, and lets the
program shut down in order. Standard library only.
"""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1


def _die_with_the_tether() -> None:
    # Should the tether itself be killed, nobody is left to pass the signal on. Safe here: we have a single thread.
    with contextlib.suppress(OSError, AttributeError):  # Linux only; elsewhere the next start cleans up
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _start(command: list[str], uid: int, gid: int) -> subprocess.Popen[bytes]:
    keep = uid < 0
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        user=None if keep else uid,
        group=None if keep else gid,
        extra_groups=None if keep else [],
        # Called after the change of user, which would clear what it sets.
        preexec_fn=_die_with_the_tether,  # noqa: PLW1509 -- we have a single thread
    )


def _stop_when_let_go(program: subprocess.Popen[bytes], stop_signal: int, grace_s: float) -> None:
    if os.read(0, 1):
        program.kill()
        return
    program.send_signal(stop_signal)
    try:
        program.wait(grace_s)
    except subprocess.TimeoutExpired:
        program.kill()


def main(arguments: list[str]) -> int:
    """Run the program until it ends or until we are let go; return its exit code."""
    stop_signal, grace_s, uid, gid = int(arguments[0]), float(arguments[1]), int(arguments[2]), int(arguments[3])
    program = _start(arguments[5:], uid, gid)
    pathlib.Path(arguments[4]).write_text(str(program.pid))
    signal.signal(signal.SIGTERM, lambda *_: program.send_signal(stop_signal))
    threading.Thread(target=_stop_when_let_go, args=(program, stop_signal, grace_s), daemon=True).start()
    code = program.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    # Not sys.exit: the interpreter would wait for the thread that reads standard input.
    os._exit(main(sys.argv[1:]))
