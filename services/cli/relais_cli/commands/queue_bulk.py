"""A bulk action: shown first, done when told so."""

from typing import Any

import typer

from relais.settings import load_settings
from relais_cli.client import Client, operating
from relais_cli.render import print_json, stdout
from relais_cli.settings import ClientSettings
from relais_cli.views.changes import SHOWN, preview_view, result_view


def act(action: str, which: dict[str, Any], *, limit: int, execute: bool, as_json: bool) -> None:
    """Ask the API for the action, or for what it would do.

    Raises:
        typer.Exit: a job that was named stays as it is.
    """
    with operating(load_settings(ClientSettings)) as client:
        result = client.post(f"/api/jobs/{action}", json={**which, "limit": limit, "dry_run": not execute})
        if as_json:
            print_json(result)
        elif execute:
            stdout().print(result_view(result))
        else:
            stdout().print(preview_view(result, _first(client, result["job_ids"])))
    if execute and "ref" in which and result["skipped"]:
        raise typer.Exit(1)


def _first(client: Client, job_ids: list[str]) -> list[dict[str, Any]]:
    """The first of the jobs, as they are now, in their order."""
    wanted = job_ids[:SHOWN]
    if not wanted:
        return []
    found = {job["id"]: job for job in client.get("/api/jobs", params={"id": wanted})["jobs"]}
    return [found[job_id] for job_id in wanted if job_id in found]
