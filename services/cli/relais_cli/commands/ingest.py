"""`relais ingest`: files become an agent's documents."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from relais.settings import load_settings
from relais_cli.client import Client, operating
from relais_cli.collecting import collect
from relais_cli.commands.options import Json
from relais_cli.errors import CliError
from relais_cli.ingesting import Document, Ingestion, Upload, upload
from relais_cli.render import counted, print_error, print_json, print_table, stderr, stdout
from relais_cli.settings import ClientSettings

_POLL_S = 0.25


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders to search.")],
    *,
    agent: Annotated[str, typer.Option(help="Slug of the agent that shall answer from them.")],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until all are ingested.")] = True,
    timeout: Annotated[float, typer.Option(min=1, max=86_400, help="Seconds to wait at most.")] = 3_600,
    as_json: Json = False,
) -> None:
    """Ingest documents: Markdown, text, HTML, PDF.

    One of the same name replaces the earlier one. A document that can't be read fails alone.
    """
    uploads = collect(paths)
    with operating(load_settings(ClientSettings)) as client, _progress(as_json=as_json) as progress:
        ingestion = _upload(client, agent, uploads, progress)
        if wait:
            _wait(client, ingestion, progress, time.monotonic() + timeout)
    _show(ingestion, as_json=as_json)
    if wait and ingestion.unfinished:
        raise CliError(
            f"{counted(ingestion.unfinished, 'document')} not done in time (--timeout); they stay in the queue"
        )
    raise typer.Exit(1 if ingestion.failed else 0)


def _progress(*, as_json: bool) -> AbstractContextManager[Progress | None]:
    console = stderr()
    if as_json or not console.is_terminal:
        return nullcontext()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True)


def _upload(client: Client, agent: str, uploads: list[Upload], progress: Progress | None) -> Ingestion:
    if progress is None:
        return upload(client, agent, uploads)
    task = progress.add_task("Uploading", total=len(uploads))
    return upload(client, agent, uploads, lambda done: progress.update(task, completed=done))


def _wait(client: Client, ingestion: Ingestion, progress: Progress | None, deadline: float) -> None:
    total = len(ingestion.documents)
    task = progress.add_task("Ingesting", total=total) if progress else None
    while ingestion.unfinished and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        ingestion.refresh(client)
        if progress is not None and task is not None:
            progress.update(task, completed=total - ingestion.unfinished)


def _show(ingestion: Ingestion, *, as_json: bool) -> None:
    if as_json:
        print_json({"documents": [_as_json(document) for document in ingestion.documents]})
        return
    rows = [(document.name, _result(document)) for document in ingestion.documents]
    print_table(["Document", "Result"], rows)
    done = sum(document.succeeded for document in ingestion.documents)
    stdout().print(f"{done} of {counted(len(rows), 'document')} ingested.")
    for document in ingestion.failed:
        print_error(_reason(document))


def _result(document: Document) -> str:
    if document.state is None:
        return "refused"
    return "unchanged" if document.succeeded and document.unchanged else document.state


def _reason(document: Document) -> str:
    reason = f"{document.error} ({document.error_code})"
    return reason if reason.startswith(document.name) else f"{document.path}: {reason}"


def _as_json(document: Document) -> dict[str, Any]:
    return asdict(document) | {"path": str(document.path)}
