"""Fixtures: the services as processes over a database and a broker of the test's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from relais_cli.parts.model_server import ModelServer
from support.servers import running, short_folder
from support.stack import Stack, stopping


class FaultyModels(ModelServer):
    """A model server whose faults can be changed while it runs."""

    def plan(self, **faults: object) -> None:
        """Replace the faults."""
        httpx.put(f"{self.url}/faults", json=faults, timeout=10).raise_for_status()


@pytest.fixture
def models() -> Iterator[FaultyModels]:
    """A model server of the test's own."""
    with short_folder("models") as folder, running(FaultyModels(folder, options=("--faults", "{}"))) as server:
        yield server


@pytest.fixture
def make_stack(database_url: str, models: FaultyModels, tmp_path: Path) -> Iterator[Callable[[str], Stack]]:
    """Make a stack over the broker that the test names."""
    with ExitStack() as ends:

        def make(broker_url: str, **settings: str) -> Stack:
            return ends.enter_context(stopping(Stack(tmp_path, database_url, broker_url, models.url, settings)))

        yield make
