"""Servers that end by themselves are started again."""

import io
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from relais_cli.embedded.servers import NamedServer
from relais_cli.embedded.steps import Steps
from relais_cli.embedded.supervising import Supervisor
from relais_cli.parts.errors import PartError
from support.waiting import wait_until


@dataclass
class Fragile:
    """A server whose first `bad_starts` starts fail."""

    bad_starts: int = 0
    starts: int = 0
    is_running: bool = False

    def start(self) -> None:
        self.starts += 1
        if self.starts <= self.bad_starts:
            raise PartError("it doesn't start: no room")
        self.is_running = True

    def stop(self) -> None:
        self.is_running = False

    def kill(self) -> None:
        self.is_running = False


def _watched(server: Fragile) -> tuple[Supervisor, io.StringIO]:
    told = io.StringIO()
    supervisor = Supervisor(Steps(console=Console(file=told, width=100)))
    supervisor.add(NamedServer("Fragile", server, Path("fragile.log")))
    return supervisor, told


def test_a_server_that_ended_is_started_again() -> None:
    """One line says that it ended and where to look; while it runs nothing is said."""
    server = Fragile(is_running=True)
    supervisor, told = _watched(server)
    supervisor.look()
    assert server.starts == 0
    server.kill()
    wait_until(lambda: supervisor.look() or server.is_running, 5)
    assert server.starts == 1
    assert "Fragile: ended by itself (see fragile.log); starting it again" in told.getvalue()


def test_a_start_that_fails_is_tried_again_later() -> None:
    """The reason is told each time; the next attempt waits longer."""
    server = Fragile(bad_starts=1)
    supervisor, told = _watched(server)
    wait_until(lambda: supervisor.look() or server.is_running, 10)
    assert server.starts == 2
    assert "it doesn't start: no room" in told.getvalue()
