"""The API on a real server, over a real database and the in-memory broker."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from relais.broker import make_broker
from relais_api.main import make_server
from relais_cli.parts.postgres import EmbeddedPostgres
from support.api import TOKEN, Api, fresh_api, serving, settings
from support.seeding import make_agent


@pytest.fixture
def api(database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An API with one agent, whose token is `TOKEN` and whose slug is `demo`."""
    # Its database is always there: on a machine that stalls, places in the line come late rather than not at all.
    monkeypatch.setattr("relais_api.lines._FIRST_READ_S", 10.0)
    monkeypatch.setattr("relais_api.lines._STALE_S", 30.0)
    make_agent(engine, slug="demo", token=TOKEN, name="Demo", greeting="Ask me.")
    broker = make_broker("memory://")
    server = make_server(settings(database_url), broker)
    with serving(server) as client:
        yield Api(client, engine, broker, server)


@pytest.fixture
def small_limits(database_url: str, engine: Engine) -> Iterator[Api]:
    """An API that takes documents of 1,000 bytes, and 4,000 together."""
    make_agent(engine, slug="demo", token=TOKEN)
    broker = make_broker("memory://")
    wanted = settings(database_url, max_document_bytes=1_000, max_upload_bytes=4_000)
    with serving(make_server(wanted, broker)) as client:
        yield Api(client, engine, broker)


@pytest.fixture(scope="module")
def refusing_api(postgres: EmbeddedPostgres) -> Iterator[Api]:
    """One API for all tests of a module that leave nothing behind, since each API of its own costs a second."""
    with fresh_api(postgres, "refusals") as shared:
        yield shared
