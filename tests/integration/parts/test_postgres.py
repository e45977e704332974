"""The embedded PostgreSQL, as `relais up` uses it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import make_url, text

from relais.store.engine import make_engine
from relais_cli.parts.errors import PartError
from relais_cli.parts.postgres import EmbeddedPostgres
from relais_cli.parts.process import AS_WE_ARE
from relais_cli.parts.socket_folder import make_socket_folder
from support.servers import running, short_folder
from support.waiting import wait_until

START_AND_SAY_PID = """
import sys, pathlib
from relais_cli.parts.postgres import EmbeddedPostgres
folder = pathlib.Path(sys.argv[1])
EmbeddedPostgres(folder).start()
print((folder / "postgres.pid").read_text(), flush=True)
sys.stdin.read()
"""


def _scalar(server: EmbeddedPostgres, statement: str) -> object:
    engine = make_engine(server.url(), pool_size=1)
    with engine.begin() as conn:
        result = conn.execute(text(statement))
        value = result.scalar() if result.returns_rows else None
    engine.dispose()
    return value


def test_what_is_committed_survives_a_kill(private_postgres: EmbeddedPostgres) -> None:
    """After SIGKILL the next start recovers, and finds every committed row."""
    _scalar(private_postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
    private_postgres.kill()
    assert not private_postgres.is_running
    private_postgres.start()
    assert _scalar(private_postgres, "SELECT answer FROM kept") == 42


def test_a_start_waits_for_the_sessions_of_a_killed_server(private_postgres: EmbeddedPostgres) -> None:
    """Statements that still run when the server is killed hold its memory for a moment; the next start gets through."""
    address = private_postgres.url().replace("+psycopg", "")

    def work() -> None:
        with suppress(psycopg.OperationalError), psycopg.connect(address, application_name="busy") as conn:
            conn.execute("SELECT count(*) FROM generate_series(1, 20000000)")

    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'busy' AND state = 'active'"
    with ThreadPoolExecutor(4) as pool:
        statements = [pool.submit(work) for _ in range(4)]
        wait_until(lambda: _scalar(private_postgres, count) == 4, message="four statements run")
        private_postgres.kill()
        private_postgres.start()
        wait(statements)
    assert _scalar(private_postgres, "SELECT 1") == 1


def test_it_offers_no_network_port(postgres: EmbeddedPostgres) -> None:
    """Only the Unix socket in its own folder leads to it, so that other users of the machine can't come in."""
    assert _scalar(postgres, "SHOW listen_addresses") == ""


def test_a_folder_with_a_long_path_works() -> None:
    """A socket's path is limited to about 100 bytes; a deep home gets its socket elsewhere, for as long as it runs."""
    with short_folder("pg") as folder:
        with running(EmbeddedPostgres(folder / ("deep" * 25) / "postgres")) as server:
            assert _scalar(server, "SELECT 1") == 1
            socket_folder = Path(str(make_url(server.url()).query["host"]))
            assert folder not in socket_folder.parents
        assert not socket_folder.exists()


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """A link that another user put in the way of the socket is not followed."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "socket").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PartError, match="belongs to somebody else"):
        make_socket_folder(tmp_path / "socket", AS_WE_ARE)


def test_a_sigkill_of_the_starter_ends_the_server_and_the_next_start_takes_over() -> None:
    """Nothing is left behind when `relais up` is killed, and a start at once waits for the old server to be gone."""
    with short_folder("pg") as folder:
        home = folder / "postgres"
        starter = subprocess.Popen(
            [sys.executable, "-c", START_AND_SAY_PID, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with starter:
            assert starter.stdout
            old = psutil.Process(int(starter.stdout.readline()))
            starter.kill()
        with running(EmbeddedPostgres(home)) as server:
            assert _scalar(server, "SELECT 1") == 1
            wait_until(lambda: not old.is_running(), message="the old server ends")


def test_a_folder_that_is_no_database_is_refused_with_its_name(tmp_path: Path) -> None:
    """The error is one line that names the folder and PostgreSQL's own reason."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "something").write_text("in the way")
    with pytest.raises(PartError, match=r"data folder .*not empty") as caught:
        EmbeddedPostgres(tmp_path).start()
    assert "\n" not in str(caught.value)
