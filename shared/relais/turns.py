"""Times the turns of a thread that works in turns, for those who watch it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """When the current turn began; set by the thread, read by others."""

    def __init__(self) -> None:
        self._since: float | None = None

    def begin(self) -> None:
        """A turn begins, and with it the end of the one before."""
        self._since = time.monotonic()

    def end(self) -> None:
        """The thread waits for its next turn."""
        self._since = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One turn, however it ends."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    @property
    def busy_s(self) -> float:
        """Seconds that the current turn has lasted; 0 between turns."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since
