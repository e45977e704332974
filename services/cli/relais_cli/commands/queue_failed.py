"""`relais queue failed`."""

from typing import Annotated, Any

import typer

from relais.lifecycle import State
from relais.settings import load_settings
from relais_cli.client import operating
from relais_cli.commands.options import EVERY_S, Interval, Json, Watch
from relais_cli.commands.queue_options import Agent, ErrorCode, Ids, KindOption, OlderThan, Session, read_filter
from relais_cli.render import MOST_SHOWN, print_json, stdout
from relais_cli.settings import ClientSettings
from relais_cli.views.jobs import failed_view
from relais_cli.watching import watch as keep_watching


def failed(
    ids: Ids = None,
    *,
    kind: KindOption = None,
    agent: Agent = None,
    error_code: ErrorCode = None,
    session: Session = None,
    older_than: OlderThan = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_SHOWN, help="Most jobs to show, newest first.")] = 50,
    as_json: Json = False,
    watch: Watch = False,
    interval: Interval = EVERY_S,
) -> None:
    """List failed jobs with their reasons, newest first."""
    which = read_filter(
        ids=ids,
        state=State.FAILED,
        kind=kind,
        agent=agent,
        error_code=error_code,
        session=session,
        older_than=older_than,
    )
    with operating(load_settings(ClientSettings)) as client:

        def read() -> Any:
            return client.get("/api/jobs", params={**which, "limit": limit})

        if watch:
            keep_watching(read, failed_view, every_s=interval, as_json=as_json)
            return
        page = read()
    if as_json:
        print_json(page)
    else:
        stdout().print(failed_view(page))
