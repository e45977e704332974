"""What the servers have in common that run as one tethered process each."""

from collections.abc import Callable
from pathlib import Path

from relais_cli.parts.errors import PartError
from relais_cli.parts.process import TetheredProcess
from relais_cli.parts.waiting import last_lines, wait_until_ready


class Tethered:
    """A server that may be started, and then stopped, killed and started again."""

    _process: TetheredProcess | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.is_running

    def stop(self) -> None:
        """Shut down in order."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()

    def _wait_until_ready(self, name: str, is_ready: Callable[[], bool], log: Path, timeout_s: float) -> None:
        """Wait until it answers.

        Raises:
            PartError: it did not become ready, and was killed; the message ends with the last lines of its log.
        """
        if not wait_until_ready(is_ready, lambda: self.is_running, timeout_s):
            self.kill()
            raise PartError(f"{name} did not start: {last_lines(log.read_text(errors='replace'))}")
