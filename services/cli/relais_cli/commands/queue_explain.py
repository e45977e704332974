"""`relais queue explain`."""

from typing import Annotated, Any
from uuid import UUID

import typer

from relais.settings import load_settings
from relais_cli.client import api_address, connected, operating
from relais_cli.commands.options import Json
from relais_cli.commands.queue_options import check_job
from relais_cli.render import print_json, stdout
from relais_cli.settings import ClientSettings
from relais_cli.views.explanation import explanation_view


def explain(
    job_id: Annotated[
        str, typer.Argument(metavar="ID", callback=check_job, help="A message, or a document's job, by id or ref.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Say why a message is where it is, and what to do. By its ref it needs a key."""
    explanation = _explain(job_id, load_settings(ClientSettings))
    if as_json:
        print_json(explanation)
    else:
        stdout().print(explanation_view(explanation))


def _explain(job_id: str, settings: ClientSettings) -> Any:
    whole = _whole(job_id)
    if whole is None:
        return _by_ref(job_id, settings)
    with connected(api_address(settings)) as client:
        return client.get(f"/api/messages/{whole}/explain")


def _by_ref(ref: str, settings: ClientSettings) -> dict[str, Any]:
    # An id opens the message to everybody who has it; what a ref finds is for operators alone.
    with operating(settings) as client:
        life = client.get(f"/api/jobs/{ref}")
    return {"ref": life["ref"], "status": life["state"], **life["explanation"]}


def _whole(job_id: str) -> str | None:
    try:
        return str(UUID(job_id))
    except ValueError:
        return None
