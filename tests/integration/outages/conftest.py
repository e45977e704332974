"""Fixtures: the services as processes that reach a model server and a Qdrant of the test's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from relais_cli.parts.model_server import ModelServer
from support.qdrant_server import QdrantServer
from support.servers import running, short_folder
from support.stack import Stack, stopping


@pytest.fixture
def own_models() -> Iterator[ModelServer]:
    """A model server to be killed; it keeps its port when it starts again."""
    with short_folder("own-models") as folder, running(ModelServer(folder, options=["--faults"])) as server:
        yield server


@pytest.fixture
def own_qdrant() -> Iterator[QdrantServer]:
    """A Qdrant to be killed; it keeps its port when it starts again."""
    with short_folder("own-qdrant") as folder, running(QdrantServer(folder)) as server:
        yield server


@pytest.fixture
def make_stack(
    database_url: str, amqp_url: str, own_models: ModelServer, tmp_path: Path
) -> Iterator[Callable[..., Stack]]:
    """Make a stack whose services the test starts."""
    with ExitStack() as ends:

        def make(**settings: str) -> Stack:
            return ends.enter_context(stopping(Stack(tmp_path, database_url, amqp_url, own_models.url, settings)))

        yield make
