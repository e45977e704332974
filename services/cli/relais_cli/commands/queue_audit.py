"""`relais queue audit`."""

from typing import Annotated

import typer

from relais.settings import load_settings
from relais_cli.client import operating
from relais_cli.commands.options import Json
from relais_cli.commands.queue_options import read_filter
from relais_cli.render import MOST_SHOWN, print_json, stdout
from relais_cli.settings import ClientSettings
from relais_cli.views.audit import audit_view


def audit(
    *,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="Only what was done with this key.")] = None,
    action: Annotated[str | None, typer.Option(metavar="ACTION", help="Only this action, such as retry.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_SHOWN, help="Most changes to show, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List what operators changed: who, what, when."""
    with operating(load_settings(ClientSettings)) as client:
        page = client.get("/api/audit", params=read_filter(actor=actor, action=action, limit=limit))
    if as_json:
        print_json(page)
    else:
        stdout().print(audit_view(page))
