"""`relais up`: everything on this machine, on embedded parts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from relais.settings import load_settings
from relais_cli.commands.options import Json
from relais_cli.embedded.options import UpOptions
from relais_cli.embedded.run import run_up
from relais_cli.embedded.steps import Steps
from relais_cli.settings import UpSettings

_MOST_WORKERS = 64


def up(
    *,
    rabbitmq: Annotated[
        bool, typer.Option("--rabbitmq", help="Start a private RabbitMQ node; each service is a process of its own.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST_WORKERS, help="Worker threads; with --rabbitmq and a Qdrant server, processes."),
    ] = None,
    llm: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, resolve_path=True, help="A GGUF model for the agent `demo`."),
    ] = None,
    home: Annotated[Path | None, typer.Option(help="Folder of all data. [env: RELAIS_HOME]")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the API. [env: RELAIS_API_PORT; default: 8000]")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Keep the agent `demo` up to date.")] = True,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the services' logs.")] = False,
    as_json: Json = False,
) -> None:
    """Start Relais on this machine; Ctrl-C stops it.

    Runs PostgreSQL, the model server, the API, a worker, the sweeper and the monitor. An address that is set is used
    instead of the embedded part: RELAIS_DATABASE_URL, RELAIS_BROKER_URL, RELAIS_QDRANT_URL, RELAIS_OLLAMA_URL.
    """
    given: dict[str, Any] = {"home": home, "api_port": port}
    settings = load_settings(lambda: UpSettings(**{name: value for name, value in given.items() if value is not None}))
    options = UpOptions(rabbitmq=rabbitmq, workers=workers, llm=llm, demo=demo, verbose=verbose)
    raise typer.Exit(run_up(settings, options, Steps(as_json)))
