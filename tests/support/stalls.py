"""Notices that the machine itself stood still, so that a test of tight timing can tell it from what it tests."""

import threading
import time
from typing import Self

_TICK_S = 0.01
_STALL_S = 0.1


class StallWatch:
    """While inside, waits ten milliseconds again and again in a thread; how late the worst wait ended is `worst_s`."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stall-watch", daemon=True)

    @property
    def stalled(self) -> bool:
        """Whether anything in this process may have been late by more than a tenth of a second."""
        return self.worst_s > _STALL_S

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            began = time.monotonic()
            ended = self._done.wait(_TICK_S)
            self.worst_s = max(self.worst_s, time.monotonic() - began - _TICK_S)
