"""Which private servers this run needs, where everything is, and how each is told of a setting instead."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from relais_cli.embedded.options import UpOptions
from relais_cli.errors import CliError
from relais_cli.parts.home import Home
from relais_cli.parts.model_server import ModelServer
from relais_cli.parts.postgres import EmbeddedPostgres
from relais_cli.parts.rabbitmq_node import RabbitMQNode
from relais_cli.settings import UpSettings
from relais_models.llm.gguf import NotAModelError, check_gguf

MEMORY = "memory://"


class Server(Protocol):
    """Something that runs as a process of its own."""

    def start(self) -> None:
        """Start, and wait until it answers."""

    def stop(self) -> None:
        """Stop in order."""

    def kill(self) -> None:
        """Stop at once."""

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""


@dataclass(frozen=True, slots=True)
class NamedServer:
    """A server with what a person calls it, and with the file that tells why it failed."""

    name: str
    server: Server
    log: Path


@dataclass(frozen=True, slots=True)
class Servers:
    """The private servers of this run; None where a setting names another."""

    postgres: EmbeddedPostgres | None
    rabbitmq: RabbitMQNode | None
    models: ModelServer | None

    def named(self, home: Home) -> Iterator[NamedServer]:
        """Those there are, in the order in which they start."""
        if self.postgres:
            yield NamedServer("PostgreSQL", self.postgres, home.postgres / "postgres.log")
        if self.rabbitmq:
            yield NamedServer("RabbitMQ", self.rabbitmq, home.rabbitmq / "startup.log")
        if self.models:
            yield NamedServer("Model server", self.models, home.models / "models.log")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything is; the URLs may hold passwords."""

    database_url: str
    broker_url: str
    qdrant_url: str
    ollama_url: str


def choose_servers(settings: UpSettings, options: UpOptions, home: Home) -> Servers:
    """Decide which servers to run ourselves; nothing starts yet.

    Raises:
        CliError: the options contradict the settings.
    """
    if options.llm is not None:
        _check_llm(options.llm, settings)
    shared_broker = settings.broker_url and settings.broker_url.get_secret_value() != MEMORY
    return Servers(
        postgres=None if settings.database_url else EmbeddedPostgres(home.postgres),
        rabbitmq=RabbitMQNode(home.rabbitmq) if options.rabbitmq and not shared_broker else None,
        models=None if settings.ollama_url else ModelServer(home.models, options=_model_options(options)),
    )


def find_addresses(settings: UpSettings, servers: Servers, home: Home) -> Addresses:
    """Say where everything will be."""
    database = settings.database_url
    broker = settings.broker_url.get_secret_value() if settings.broker_url else MEMORY
    return Addresses(
        database_url=servers.postgres.url() if servers.postgres else database.get_secret_value() if database else "",
        broker_url=servers.rabbitmq.url() if servers.rabbitmq else broker,
        qdrant_url=settings.qdrant_url or str(home.qdrant),
        ollama_url=servers.models.url if servers.models else settings.ollama_url or "",
    )


def is_local_index(qdrant_url: str) -> bool:
    """Whether the index is in Qdrant's local mode, which serves one process only."""
    return not qdrant_url.startswith(("http://", "https://"))


def llm_name(path: Path) -> str:
    """The name under which the model server serves a GGUF file."""
    return path.stem.lower()


def _model_options(options: UpOptions) -> tuple[str, ...]:
    return ("--llm", f"{options.llm}={llm_name(options.llm)}") if options.llm else ()


def _check_llm(path: Path, settings: UpSettings) -> None:
    try:
        check_gguf(path)
    except NotAModelError as error:
        raise CliError(f"--llm: {error}") from None
    if settings.ollama_url:
        raise CliError("--llm needs the embedded model server: unset RELAIS_OLLAMA_URL, or load the model there")
    if importlib.util.find_spec("xllamacpp") is None:
        raise CliError("--llm needs the extra `local-llm`: install the package `xllamacpp` into this environment")
