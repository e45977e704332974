"""A Qdrant server as a child process that ends with us: the stand-in `qdrant_standin`, shared by several workers."""

import sys
import threading
from pathlib import Path

import httpx

from relais_cli.parts.ports import free_port
from relais_cli.parts.process import start_tethered
from relais_cli.parts.tethered import Tethered
from support import qdrant_standin

_START_TIMEOUT_S = 30.0


class QdrantServer(Tethered):
    """One server whose collections live in `folder`; it keeps its port over restarts."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self._folder = folder.resolve()
        self._port = port or free_port()
        self._starting = threading.Lock()

    def start(self) -> None:
        """Start and wait until it answers; nothing happens when it runs.

        Raises:
            PartError: it did not become ready; the message ends with the last lines of its log.
        """
        with self._starting:
            if not self.is_running:
                self._start()

    def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = [sys.executable, "-P", str(qdrant_standin.__file__), str(self.storage), str(self._port)]
        self._process = start_tethered(command, log=self._log, pid_file=self._pid_file, grace_s=5.0)
        self._wait_until_ready("the Qdrant stand-in", self._is_ready, self._log, _START_TIMEOUT_S)

    @property
    def pid(self) -> int:
        """The server's own process, to be stopped or continued by signals."""
        return int(self._pid_file.read_text())

    @property
    def port(self) -> int:
        """Where it listens, on the loopback interface."""
        return self._port

    @property
    def url(self) -> str:
        """What goes into `RELAIS_QDRANT_URL`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def storage(self) -> Path:
        """The collections; to be touched by others only while the server is down."""
        return self._folder / "storage"

    @property
    def _pid_file(self) -> Path:
        return self._folder / "qdrant.pid"

    @property
    def _log(self) -> Path:
        return self._folder / "qdrant.log"

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2.0, trust_env=False).is_success
        except httpx.HTTPError:
            return False
