"""How a process hears that it has to stop, and ends with status 0 then."""

import queue
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn


class SignalEvent:
    """An event that a signal handler may set.

    `threading.Event` must not be: the main thread may hold its lock, which isn't reentrant, when the handler interrupts
    it, and waits for itself for ever then. `queue.SimpleQueue.put` is reentrant, and documented to be.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        """Set it for good, and wake who waits."""
        self._is_set = True
        self._wakes.put(None)

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._is_set

    def wait(self, timeout_s: float) -> bool:
        """Wait until it is set, for so many seconds at most; whether it was."""
        if not self._is_set:
            with suppress(queue.Empty):
                self._wakes.get(timeout=timeout_s)
                self._wakes.put(None)  # for the next who waits
        return self._is_set


def end_quietly() -> None:
    """Make SIGTERM and Ctrl-C end the process with status 0 and without a traceback, from now on.

    Uvicorn raises the signal that ended it once more after its shutdown; left alone, it makes the status 143, which an
    orchestrator takes for a failure.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
