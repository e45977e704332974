"""The options of `relais queue` that say which jobs are meant."""

from typing import Annotated, Any
from uuid import UUID

import typer

from relais.lifecycle import State
from relais.queues import Kind

_MOST = 10_000

Ids = Annotated[list[UUID] | None, typer.Argument(metavar="ID", help="Jobs by id; a message's id is its job's.")]
StateOption = Annotated[State | None, typer.Option("--state", help="Only jobs in this state.")]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="Only jobs of this kind.")]
Agent = Annotated[str | None, typer.Option(metavar="SLUG", help="Only jobs of this agent.")]
ErrorCode = Annotated[str | None, typer.Option(metavar="CODE", help="Only jobs that failed with this code.")]
OlderThan = Annotated[str | None, typer.Option(metavar="AGE", help="Accepted longer ago than this: 90, 15m, 2h, 7d.")]
Limit = Annotated[int, typer.Option(min=1, max=_MOST, help="Most jobs to change, oldest first.")]
Execute = Annotated[bool, typer.Option("--execute", help="Really do it; without it, only show what would change.")]


def read_filter(*, ids: list[UUID] | None = None, **given: Any) -> dict[str, Any]:
    """Make the API's filter from the options that were given."""
    which = {name: value for name, value in given.items() if value is not None}
    return which | {"id": [str(job_id) for job_id in ids]} if ids else which
