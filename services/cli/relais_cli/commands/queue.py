"""`relais queue`: what waits, what failed, what is wrong, and what to do about it."""

import typer

from relais_cli.commands.queue_audit import audit
from relais_cli.commands.queue_changes import cancel, clean, retry, unlock
from relais_cli.commands.queue_diagnose import diagnose
from relais_cli.commands.queue_explain import explain
from relais_cli.commands.queue_failed import failed
from relais_cli.commands.queue_pausing import pause, resume
from relais_cli.commands.queue_reconcile import reconcile
from relais_cli.commands.queue_status import status


def make_queue() -> typer.Typer:
    """Put the subcommands together."""
    queue = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at the queues, and mend them.")
    looks = (status, diagnose, failed, explain, audit)
    for command in (*looks, retry, cancel, unlock, clean, pause, resume, reconcile):
        queue.command(command.__name__)(command)
    return queue
