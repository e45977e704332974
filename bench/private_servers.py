"""PostgreSQL and RabbitMQ of a benchmark's own: durable (fsync on), empty, in a temporary folder."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from relais.store.migrate import upgrade
from relais_cli.parts.postgres import EmbeddedPostgres
from relais_cli.parts.rabbitmq_node import RabbitMQNode


@dataclass(frozen=True)
class PrivateServers:
    """Both, running; `folder` has room for the logs of services."""

    folder: Path
    postgres: EmbeddedPostgres
    rabbitmq: RabbitMQNode


@contextmanager
def private_servers() -> Iterator[PrivateServers]:
    """Start both and migrate the database; end both afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relais-bench-")))
        postgres = EmbeddedPostgres(folder / "postgres")
        postgres.start()
        stack.callback(postgres.stop)
        upgrade(postgres.url())
        rabbitmq = RabbitMQNode(folder / "rabbitmq")
        rabbitmq.start()
        stack.callback(rabbitmq.kill)
        yield PrivateServers(folder, postgres, rabbitmq)
