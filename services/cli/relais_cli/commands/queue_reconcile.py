"""`relais queue reconcile`."""

from typing import Annotated, Any

import typer

from relais.queues import QUEUE_NAMES
from relais.settings import load_settings
from relais_cli.client import Client, operating
from relais_cli.commands.options import Json
from relais_cli.commands.queue_options import Execute, check_queue
from relais_cli.render import print_json, stdout
from relais_cli.settings import ClientSettings
from relais_cli.views.reconciliation import reconciliation_view


def reconcile(
    queues: Annotated[
        list[str] | None, typer.Argument(metavar="QUEUE", callback=check_queue, help="All of them unless named.")
    ] = None,
    *,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="Most jobs to announce, and most tokens to publish.")
    ] = 1_000,
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Announce what is still pending, and publish missing tokens.

    Holds the rows of a queue against its leases and against the tokens in the broker.
    """
    with operating(load_settings(ClientSettings)) as client:
        found = [_reconcile(client, name, limit=limit, execute=execute) for name in queues or QUEUE_NAMES]
    if as_json:
        print_json({"queues": found})
    else:
        for number, queue in enumerate(found):
            if number:
                stdout().print()
            stdout().print(reconciliation_view(queue))
    if any(queue["confirmed"] is False for queue in found):
        raise typer.Exit(1)


def _reconcile(client: Client, name: str, *, limit: int, execute: bool) -> Any:
    return client.post(f"/api/queues/{name}/reconcile", params={"dry_run": not execute, "limit": limit})
