"""Fixtures: one PostgreSQL for the run, and a database of the current schema for each test."""

import itertools
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from relais.store.engine import make_engine
from relais.store.migrate import upgrade
from relais_cli.parts.postgres import EmbeddedPostgres
from support.engines import dispose
from support.servers import running, short_folder

TEMPLATE = "relais_template"
# A killed server loses nothing by these, only a machine that loses power does. (It would by synchronous_commit=off.)
_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "5s"}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The run's PostgreSQL server, with `TEMPLATE` migrated; don't stop it (see `private_postgres`)."""
    with short_folder("pg") as folder, running(EmbeddedPostgres(folder / "postgres", settings=_FAST)) as server:
        server.create_database(TEMPLATE)
        upgrade(server.url(TEMPLATE))
        yield server


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The address of a database without any table."""
    yield from _database(postgres, "template1")


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The address of an empty database with the current schema."""
    yield from _database(postgres, TEMPLATE)


def _database(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    postgres.create_database(name, template=template)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A pool of connections to the test's own database."""
    engine = make_engine(database_url, pool_size=10, application_name="test")
    yield engine
    dispose(engine)


@pytest.fixture
def private_postgres() -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, migrated, to be stopped and killed at will."""
    with short_folder("pg") as folder, running(EmbeddedPostgres(folder / "postgres", settings=_FAST)) as server:
        upgrade(server.url())
        yield server
