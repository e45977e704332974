"""A run's progress without an engine: the test says when to stop."""

import time

from relais.errors import RunAborted, TransientError


class RecordedProgress:
    """Implements `relais_worker.progress.Progress`; keeps what was written and counts the beats."""

    def __init__(self, *, deadline_s: float = 60.0, aborts_after_s: float | None = None) -> None:
        self._started = time.monotonic()
        self._deadline_s = deadline_s
        self._aborts_after_s = aborts_after_s
        self.aborted = False
        self.written: list[str] = []
        self.beats = 0

    @property
    def text(self) -> str:
        """Everything that was written."""
        return "".join(self.written)

    def check(self) -> None:
        """Raise when told to stop, or past the deadline."""
        elapsed_s = time.monotonic() - self._started
        if self.aborted or (self._aborts_after_s is not None and elapsed_s >= self._aborts_after_s):
            raise RunAborted("cancelled")
        if elapsed_s >= self._deadline_s:
            raise TransientError("deadline_exceeded", "The attempt took longer than the agent's deadline allows.")

    def remaining_s(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self._deadline_s - (time.monotonic() - self._started))

    def write(self, text: str) -> None:
        """Keep the text."""
        self.written.append(text)

    def beat(self) -> None:
        """Count."""
        self.beats += 1
