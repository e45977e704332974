"""A private RabbitMQ node on loopback ports, with everything it writes in one folder."""

import os
import shutil
from pathlib import Path
from urllib.parse import quote

import pika
import pika.exceptions

from relais_cli.parts.errors import PartError
from relais_cli.parts.ports import accepts_connections, free_port
from relais_cli.parts.process import TetheredProcess, start_tethered
from relais_cli.parts.rabbitmq_files import node_environment, node_password, write_configuration
from relais_cli.parts.tethered import Tethered
from relais_cli.parts.waiting import last_lines, wait_until_ready

HOST = "127.0.0.1"
USER = "relais"
_START_TIMEOUT_S = 60.0
_STOP_GRACE_S = 30.0


class RabbitMQNode(Tethered):
    """One node; its ports are chosen at construction and stay the same over restarts.

    Args:
        folder: holds data, log, configuration, password and Erlang cookie; made when missing.
        plugins: names of plugins to enable; `rabbitmq_management` opens its HTTP API on `management_port`.
    """

    def __init__(self, folder: Path, *, plugins: tuple[str, ...] = ()) -> None:
        self.folder = folder.resolve()
        self._plugins = plugins
        self.port = free_port()
        self.management_port = free_port()
        self._dist_port = free_port()
        self._epmd_port = free_port()
        self._epmd: TetheredProcess | None = None

    def start(self) -> None:
        """Start and wait until clients can log in.

        Raises:
            PartError: RabbitMQ is not installed, or it did not become ready.
        """
        server, epmd = find_server(), _find_epmd()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_configuration(
            self.folder,
            host=HOST,
            port=self.port,
            user=USER,
            password=self.password,
            plugins=self._plugins,
            management_port=self.management_port,
        )
        self._start_epmd(epmd)
        self._process = start_tethered(
            [server],
            log=self._log,
            pid_file=self.folder / "node.pid",
            env=self._environment(),
            grace_s=_STOP_GRACE_S,
        )
        self._wait_until_ready("RabbitMQ", self._is_ready, self._log, _START_TIMEOUT_S)

    def stop(self) -> None:
        """Shut down in order; durable queues and persistent messages stay."""
        for process in filter(None, (self._process, self._epmd)):
            process.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        for process in filter(None, (self._process, self._epmd)):
            process.kill()

    def wipe(self) -> None:
        """Forget every queue and message; the node must not be running."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    @property
    def password(self) -> str:
        """Of the user `relais`, who may do everything."""
        return node_password(self.folder)

    def url(self, vhost: str = "/") -> str:
        """The address for AMQP clients; contains the password."""
        return f"amqp://{USER}:{quote(self.password)}@{HOST}:{self.port}/{quote(vhost, safe='')}"

    @property
    def management_url(self) -> str:
        """The address of the HTTP API, when the plugin is enabled; log in as `relais`."""
        return f"http://{HOST}:{self.management_port}/api"

    @property
    def _log(self) -> Path:
        return self.folder / "startup.log"

    def _environment(self) -> dict[str, str]:
        return node_environment(
            self.folder, nodename="relais@localhost", dist_port=self._dist_port, epmd_port=self._epmd_port
        )

    def _start_epmd(self, epmd: str) -> None:
        if self._epmd is not None and self._epmd.is_running:
            return
        command = [epmd, "-address", HOST, "-port", str(self._epmd_port)]
        self._epmd = start_tethered(
            command, log=self._log, pid_file=self.folder / "epmd.pid", env=self._environment(), grace_s=2.0
        )
        if not wait_until_ready(
            lambda: accepts_connections(HOST, self._epmd_port), lambda: bool(self._epmd and self._epmd.is_running), 10.0
        ):
            raise PartError(f"Erlang's port mapper did not start: {last_lines(self._log.read_text(errors='replace'))}")

    def _is_ready(self) -> bool:
        ports = [self.port, *([self.management_port] if "rabbitmq_management" in self._plugins else [])]
        if not all(accepts_connections(HOST, port) for port in ports):  # pika logs every refusal as an error
            return False
        try:
            pika.BlockingConnection(pika.URLParameters(self.url())).close()
        except (pika.exceptions.AMQPError, OSError, ValueError):  # ValueError: reset as soon as it was connected
            return False
        return True


def find_server() -> str:
    """RabbitMQ's start script.

    Raises:
        PartError: RabbitMQ isn't installed.
    """
    # Debian's program on the PATH changes to the user `rabbitmq`, who may not write to our folder; this one doesn't.
    debian = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    server = str(debian) if debian.exists() else shutil.which("rabbitmq-server", path=_search_path())
    if server is None:
        raise PartError("RabbitMQ is not installed: install it (Debian: `apt-get install rabbitmq-server`)")
    return server


def _find_epmd() -> str:
    epmd = shutil.which("epmd", path=_search_path())
    if epmd is None:
        raise PartError("Erlang's `epmd` is not on the PATH: install Erlang (it comes with RabbitMQ's package)")
    return epmd


def _search_path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
