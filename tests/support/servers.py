"""Starting the servers that tests need; a missing one skips locally and fails in CI."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from relais_cli.parts.errors import PartError


class Server(Protocol):
    """An embedded part."""

    def start(self) -> None:
        """Raise `PartError` when it can't."""

    def stop(self) -> None:
        """Shut down in order."""

    def kill(self) -> None:
        """SIGKILL."""


ServerT = TypeVar("ServerT", bound=Server)


@contextmanager
def running(server: ServerT, *, end_by_kill: bool = False) -> Iterator[ServerT]:
    """Start the server, or skip or fail the test that asks for it, and end it afterwards."""
    try:
        server.start()
    except PartError as error:
        missing(str(error))
    try:
        yield server
    finally:
        (server.kill if end_by_kill else server.stop)()


def missing(reason: str) -> None:
    """Skip because of what is missing; in CI that is a failure, so that no test is silently left out."""
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextmanager
def short_folder(name: str) -> Iterator[Path]:
    """A folder with a path short enough for Unix sockets, which pytest's own are not; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"relais-{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
