"""A running Relais for the commands, with a model server that can be made slow."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from relais_cli.parts.model_server import ModelServer
from support.diagnosing import all_well
from support.operators import Operator, operating
from support.up import RelaisUp, relais_home


@pytest.fixture(scope="session")
def relais(model_server: ModelServer) -> Iterator[RelaisUp]:
    """`relais up` without the demo, and one agent `shop` that answers from `refunds.md`."""
    with relais_home(RELAIS_OLLAMA_URL=model_server.url) as home:
        home.start("--no-demo")
        models = ("--chat-model", "extractive", "--embedding-model", "lexical")
        home.call("agents", "create", "shop", *models, "--set", "retry_backoff_s=0").check()
        refunds = home.folder / "refunds.md"
        refunds.write_text("# Refunds\n\nWe refund every order within 14 days. Gift cards are never refunded.\n")
        home.call("ingest", str(refunds), "--agent", "shop").check()
        yield home
        assert home.stop() == 0


@pytest.fixture
def folder(relais: RelaisUp, tmp_path: Path) -> Path:
    """A folder with documents good and bad."""
    (tmp_path / "good.md").write_text("# Shipping\n\nParcels to Canada take nine days.\n")
    (tmp_path / "broken.pdf").write_bytes(b"this is no PDF")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "program.exe").write_bytes(b"MZ")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "page.html").write_text("<h1>Hours</h1><p>We open at eight.</p>")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hidden.md").write_text("hidden")
    return tmp_path


@pytest.fixture
def operator(database_url: str, engine: Engine, tmp_path: Path) -> Iterator[Operator]:
    """An operator of an API without worker and sweeper, whose heartbeats say that all is well."""
    all_well(engine)
    with operating(database_url, engine, tmp_path) as operator:
        yield operator
