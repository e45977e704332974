"""Pipelines on real parts: PostgreSQL, Qdrant's local mode, the embedded model server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from relais_cli.parts.model_server import ModelServer
from relais_worker.adapters.ollama import Ollama
from relais_worker.adapters.qdrant import PassageIndex, open_index
from support.desk import Desk


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PassageIndex]:
    """An empty index in a folder of the test's own."""
    opened = open_index(str(tmp_path / "qdrant"))
    yield opened
    opened.close()


@pytest.fixture
def desk(engine: Engine, index: PassageIndex, model_server: ModelServer) -> Desk:
    """Uploads documents, asks questions, and runs the pipelines on them."""
    return Desk(engine, index, Ollama(model_server.url))
