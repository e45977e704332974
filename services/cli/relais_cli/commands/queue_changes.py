"""`relais queue retry`, `cancel`, `unlock` and `clean`: what changes many jobs at once."""

from typing import Annotated

import typer

from relais.lifecycle import State
from relais_cli.commands.options import Json
from relais_cli.commands.queue_bulk import act
from relais_cli.commands.queue_options import (
    Agent,
    ErrorCode,
    Execute,
    Ids,
    KindOption,
    Limit,
    OlderThan,
    Session,
    StateOption,
    read_filter,
)

_MOST = 1_000
_FILTERS = "an id, --state, --kind, --agent, --error-code, --session or --older-than"


def retry(
    ids: Ids = None,
    *,
    state: StateOption = None,
    kind: KindOption = None,
    agent: Agent = None,
    error_code: ErrorCode = None,
    session: Session = None,
    older_than: OlderThan = None,
    limit: Limit = _MOST,
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Put failed jobs back into the queue. With --state cancelled, cancelled ones."""
    chosen = state or (None if ids else State.FAILED)  # what a person cancelled comes back only when named
    which = read_filter(ids=ids, state=chosen, kind=kind, agent=agent, error_code=error_code)
    which |= read_filter(session=session, older_than=older_than)
    act("retry", which, limit=limit, execute=execute, as_json=as_json)


def cancel(
    ids: Ids = None,
    *,
    state: StateOption = None,
    kind: KindOption = None,
    agent: Agent = None,
    error_code: ErrorCode = None,
    session: Session = None,
    older_than: OlderThan = None,
    limit: Limit = _MOST,
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Cancel jobs that wait or run; needs an id or a filter."""
    which = read_filter(ids=ids, state=state, kind=kind, agent=agent, error_code=error_code)
    which |= read_filter(session=session, older_than=older_than)
    if not which:
        raise typer.BadParameter(f"say which: {_FILTERS}")
    act("cancel", which, limit=limit, execute=execute, as_json=as_json)


def unlock(
    ids: Ids = None,
    *,
    kind: KindOption = None,
    agent: Agent = None,
    session: Session = None,
    older_than: OlderThan = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also from workers that are well, and when attempts are spent.")
    ] = False,
    limit: Limit = _MOST,
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Take jobs back from workers that won't finish them.

    Those are jobs whose worker is gone or silent, whose lease ended or is missing, or that run beyond their deadline.
    """
    which = read_filter(ids=ids, kind=kind, agent=agent, session=session, older_than=older_than)
    if force and not which:
        raise typer.BadParameter("--force takes jobs from workers that are well: say which, by id or by a filter")
    act("unlock", which | {"state": State.PROCESSING, "force": force}, limit=limit, execute=execute, as_json=as_json)


def clean(
    ids: Ids = None,
    *,
    state: Annotated[State, typer.Option("--state", help="Which: failed, completed or cancelled.")] = State.FAILED,
    kind: KindOption = None,
    agent: Agent = None,
    error_code: ErrorCode = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Ended longer ago than this: 90, 15m, 2h, 7d.")
    ] = None,
    keep: Annotated[int | None, typer.Option(min=0, metavar="N", help="So many stay, those that ended last.")] = None,
    limit: Limit = _MOST,
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Move ended jobs out of the way; conversations stay. Needs an id, --older-than or --keep."""
    if not (ids or older_than) and keep is None:
        raise typer.BadParameter("say which: an id, --older-than or --keep")
    which = read_filter(ids=ids, state=state, kind=kind, agent=agent, error_code=error_code)
    act(
        "clean",
        which | read_filter(older_than=older_than, keep=keep),
        limit=limit,
        execute=execute,
        as_json=as_json,
    )
