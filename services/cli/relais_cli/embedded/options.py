"""What a person asked `relais up` for on its command line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The command line of `up` beyond the settings.

    Args:
        rabbitmq: a private RabbitMQ node, and each service a process of its own.
        workers: worker threads, or with `rabbitmq` worker processes; None leaves it to the settings.
        llm: a GGUF file for the embedded model server.
        demo: keep the agent `demo` and its documents up to date.
        verbose: show the services' logs in the terminal.
    """

    rabbitmq: bool = False
    workers: int | None = None
    llm: Path | None = None
    demo: bool = True
    verbose: bool = False
