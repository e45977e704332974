"""Fixtures: the embedded model server as a real process."""

from collections.abc import Iterator

import pytest

from relais_cli.parts.model_server import ModelServer
from support.servers import running, short_folder


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """The run's model server without faults; its `url` is what `RELAIS_OLLAMA_URL` takes."""
    with short_folder("models") as folder, running(ModelServer(folder)) as server:
        yield server
