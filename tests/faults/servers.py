"""The servers under a rig, each behind a proxy that can do to its connections what a network does."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults import loopback
from relais_cli.parts.model_server import ModelServer
from relais_cli.parts.postgres import EmbeddedPostgres
from relais_cli.parts.rabbitmq_node import RabbitMQNode
from support.model_fixtures import ModelFaults
from support.proxy import Proxy
from support.qdrant_server import QdrantServer

# A killed server loses nothing by these, only a machine that loses power does.
_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "5s"}


class Servers:
    """PostgreSQL, RabbitMQ, model server and Qdrant stand-in; their data are in `folder`, whose path is short."""

    def __init__(self, folder: Path) -> None:
        self.postgres = EmbeddedPostgres(folder / "postgres", settings=_FAST)
        self.rabbitmq = RabbitMQNode(folder / "rabbitmq", plugins=("rabbitmq_management",))
        self.models = ModelServer(folder / "models", options=["--faults"])
        self.qdrant = QdrantServer(folder / "qdrant")
        self.model_faults = ModelFaults(loopback.client(self.models.url, limits=loopback.ONCE))
        self.database_proxy = Proxy(self.postgres.url())
        self.broker_proxy = Proxy(("127.0.0.1", self.rabbitmq.port))
        self.ollama_proxy = Proxy(self.models.url)
        self.qdrant_proxy = Proxy(self.qdrant.url)

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        return (self.database_proxy, self.broker_proxy, self.ollama_proxy, self.qdrant_proxy)

    def start(self) -> None:
        """Start all servers at once, then the proxies."""
        self._start_missing()
        for proxy in self.proxies:
            proxy.start()

    def heal(self) -> None:
        """Servers up, proxies passing, models behaving."""
        self._start_missing()
        for proxy in self.proxies:
            proxy.pass_on()
        self.model_faults.end()

    def stop(self) -> None:
        """End everything; nothing is kept."""
        for proxy in self.proxies:
            proxy.stop()
        self.model_faults.client.close()
        for server in (self.qdrant, self.models, self.rabbitmq, self.postgres):
            server.kill()

    def _start_missing(self) -> None:
        missing = [s for s in (self.postgres, self.rabbitmq, self.models, self.qdrant) if not s.is_running]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda server: server.start(), missing))
