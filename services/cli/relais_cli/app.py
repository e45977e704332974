"""The command `relais`: its commands, and how their failures end the process."""

import sys
from http import HTTPStatus

import typer

from relais_cli.client import RefusedError
from relais_cli.commands.agents import make_agents
from relais_cli.commands.ask import ask
from relais_cli.commands.ingest import ingest
from relais_cli.commands.keys import make_keys
from relais_cli.commands.migrate import migrate
from relais_cli.commands.queue import make_queue
from relais_cli.commands.up import up
from relais_cli.errors import CliError
from relais_cli.parts.errors import PartError
from relais_cli.render import print_error


def make_app() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        name="relais",
        help="Relais answers chat messages with a language model, in the background, and loses none.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help: it fits a narrow terminal, and a search finds its lines
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command("up")(up)
    app.command("ask")(ask)
    app.command("ingest")(ingest)
    app.add_typer(make_agents(), name="agents")
    app.add_typer(make_queue(), name="queue")
    app.command("migrate")(migrate)
    app.add_typer(make_keys(), name="keys")
    return app


def main() -> None:
    """Run a command; exit status 0: done, 1: failed, 2: wrong usage."""
    try:
        make_app()(prog_name="relais")
    except (CliError, PartError) as error:
        print_error(str(error))
        sys.exit(_exit_status(error))
    except KeyboardInterrupt:
        print_error("interrupted")
        sys.exit(1)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        sys.exit(1)


def _exit_status(error: CliError | PartError) -> int:
    # The API has the last word on what an option may be.
    return 2 if isinstance(error, RefusedError) and error.status == HTTPStatus.UNPROCESSABLE_ENTITY else 1
