"""The embedded model server as a child process that ends with us."""

import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from relais_cli.parts.ports import free_port
from relais_cli.parts.process import start_tethered
from relais_cli.parts.tethered import Tethered

HOST = "127.0.0.1"
_START_TIMEOUT_S = 60.0  # a real model is loaded first


class ModelServer(Tethered):
    """One `python -m relais_models`; `options` go to its command line, for instance `("--llm", "model.gguf")`."""

    def __init__(self, folder: Path, *, options: Sequence[str] = (), port: int | None = None) -> None:
        self._folder = folder.resolve()
        self._options = tuple(options)
        self._port = port or free_port()

    def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            PartError: it did not become ready; the message ends with the last lines of its log.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = [sys.executable, "-m", "relais_models", "--host", HOST, "--port", str(self._port), *self._options]
        self._process = start_tethered(command, log=self._log, pid_file=self._folder / "models.pid", grace_s=5.0)
        self._wait_until_ready("the model server", self._is_ready, self._log, _START_TIMEOUT_S)

    @property
    def url(self) -> str:
        """What goes into `RELAIS_OLLAMA_URL`."""
        return f"http://{HOST}:{self._port}"

    @property
    def _log(self) -> Path:
        return self._folder / "models.log"

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/version", timeout=2.0) as reply:  # noqa: S310 -- our own loopback address
                return int(reply.status) == 200  # noqa: PLR2004 -- OK
        except (urllib.error.URLError, OSError):
            return False
