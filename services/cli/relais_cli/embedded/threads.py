"""A uvicorn server in a thread of this process."""

import socket
import threading
import time

import uvicorn

from relais_cli.errors import CliError

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 30.0
_POLL_S = 0.02


class ServerThread:
    """Serves on a socket that is listening already, until told to stop."""

    def __init__(self, name: str, server: uvicorn.Server, listener: socket.socket) -> None:
        self._name = name
        self._server = server
        self._thread = threading.Thread(target=server.run, args=([listener],), name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start and wait until it serves.

        Raises:
            CliError: it doesn't.
        """
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._server.started:
            if not self.alive or time.monotonic() > deadline:
                raise CliError(f"the {self._name} did not start: its log has the reason")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Let open requests finish, then stop."""
        self._server.should_exit = True
        self._thread.join(_STOP_TIMEOUT_S)
