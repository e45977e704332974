"""`relais queue`: what waits, what failed, and what to do about it."""

from typing import Annotated, Any
from uuid import UUID

import typer

from relais.lifecycle import State
from relais.settings import load_settings
from relais_cli.client import api_address, connected, monitor_address, operating
from relais_cli.commands.options import Json
from relais_cli.commands.queue_options import (
    Agent,
    ErrorCode,
    Execute,
    Ids,
    KindOption,
    Limit,
    OlderThan,
    StateOption,
    read_filter,
)
from relais_cli.commands.queue_view import show_explanation, show_failed, show_figures, show_preview, show_result
from relais_cli.errors import CliError
from relais_cli.render import print_json, stdout
from relais_cli.settings import ClientSettings


def make_queue() -> typer.Typer:
    """Put the subcommands together."""
    queue = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at the queues; retry and cancel jobs.")
    for name, command in (("status", status), ("failed", failed), ("retry", retry), ("cancel", cancel)):
        queue.command(name)(command)
    queue.command("explain")(explain)
    return queue


def status(*, as_json: Json = False) -> None:
    """Show how many jobs wait, run, failed; who works."""
    with connected(monitor_address(load_settings(ClientSettings))) as client:
        report = client.get("/api/stats")
    if as_json:
        print_json(report)
    elif report["figures"] is None:
        raise CliError("the monitor can't reach the database: start it, or correct the monitor's RELAIS_DATABASE_URL")
    else:
        show_figures(report["figures"])


def failed(
    *,
    kind: KindOption = None,
    agent: Agent = None,
    error_code: ErrorCode = None,
    older_than: OlderThan = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most jobs to show, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List failed jobs with their reasons, newest first."""
    which = read_filter(state=State.FAILED, kind=kind, agent=agent, error_code=error_code, older_than=older_than)
    with operating(load_settings(ClientSettings)) as client:
        page = client.get("/api/jobs", params={**which, "limit": limit})
    if as_json:
        print_json(page)
        return
    for job in page["jobs"]:
        show_failed(job)
    if page["next_cursor"]:
        stdout().print(f"Only the newest {limit} are shown: narrow the filter, or raise --limit.")
    elif not page["jobs"]:
        stdout().print("No failed jobs.")


def explain(
    job_id: Annotated[UUID, typer.Argument(metavar="ID", help="The id of a message, or of a document's job.")],
    *,
    as_json: Json = False,
) -> None:
    """Say why a message is where it is, and what to do."""
    with connected(api_address(load_settings(ClientSettings))) as client:
        explanation = client.get(f"/api/messages/{job_id}/explain")
    if as_json:
        print_json(explanation)
    else:
        show_explanation(explanation)


def retry(
    ids: Ids = None,
    *,
    state: StateOption = None,
    kind: KindOption = None,
    agent: Agent = None,
    error_code: ErrorCode = None,
    older_than: OlderThan = None,
    limit: Limit = 1_000,
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Put failed jobs back into the queue; with --state cancelled, cancelled ones."""
    chosen = state or (None if ids else State.FAILED)  # what a person cancelled comes back only when named
    which = read_filter(ids=ids, state=chosen, kind=kind, agent=agent, error_code=error_code, older_than=older_than)
    _act("retry", which, limit, execute=execute, as_json=as_json)


def cancel(
    ids: Ids = None,
    *,
    state: StateOption = None,
    kind: KindOption = None,
    agent: Agent = None,
    error_code: ErrorCode = None,
    older_than: OlderThan = None,
    limit: Limit = 1_000,
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Cancel jobs that wait or run; needs an id or a filter."""
    which = read_filter(ids=ids, state=state, kind=kind, agent=agent, error_code=error_code, older_than=older_than)
    if not which:
        raise typer.BadParameter("say which: an id, --state, --kind, --agent, --error-code or --older-than")
    _act("cancel", which, limit, execute=execute, as_json=as_json)


def _act(action: str, which: dict[str, Any], limit: int, *, execute: bool, as_json: bool) -> None:
    with operating(load_settings(ClientSettings)) as client:
        result = client.post(f"/api/jobs/{action}", json={**which, "limit": limit, "dry_run": not execute})
    if as_json:
        print_json(result)
    elif execute:
        show_result(result)
    else:
        show_preview(result)
