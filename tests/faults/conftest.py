"""Fixtures: the services as processes over a database and a broker of the test's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from relais_cli.parts.model_server import ModelServer
from support.stack import Stack, stopping


@pytest.fixture
def make_stack(database_url: str, model_server: ModelServer, tmp_path: Path) -> Iterator[Callable[[str], Stack]]:
    """Make a stack over the broker that the test names."""
    with ExitStack() as ends:

        def make(broker_url: str, **settings: str) -> Stack:
            return ends.enter_context(stopping(Stack(tmp_path, database_url, broker_url, model_server.url, settings)))

        yield make
