"""The options of `relais queue` that say which jobs are meant."""

from typing import Annotated, Any, TypeVar

import typer

from relais.lifecycle import State
from relais.queues import QUEUE_NAMES, Kind
from relais.refs import bounds_of

_MOST = 10_000


def check_job(given: str) -> str:
    """Take an id or a ref of a job.

    Raises:
        typer.BadParameter: it is neither.
    """
    try:
        bounds_of(given)
    except ValueError:
        message = f"{given!r} is neither an id nor a ref, the first 12 hexadecimal digits of one"
        raise typer.BadParameter(message) from None
    return given.strip()


Named = TypeVar("Named", str, list[str], None)


def check_queue(given: Named) -> Named:
    """Take the name of a queue, or several.

    Raises:
        typer.BadParameter: no queue has it.
    """
    names: list[str] = [given] if isinstance(given, str) else list(given or ())
    for name in names:
        if name not in QUEUE_NAMES:
            raise typer.BadParameter(f"{name!r} is no queue; the queues are {', '.join(QUEUE_NAMES)}")
    return given


def _check_jobs(given: list[str] | None) -> list[str] | None:
    return given and [check_job(one) for one in given]


def _check_session(given: str | None) -> str | None:
    return given and check_job(given)


Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", callback=_check_jobs, help="Jobs by id or ref; a message's id is its job's."),
]
StateOption = Annotated[State | None, typer.Option("--state", help="Only jobs in this state.")]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="Only jobs of this kind.")]
Agent = Annotated[str | None, typer.Option(metavar="SLUG", help="Only jobs of this agent.")]
ErrorCode = Annotated[str | None, typer.Option(metavar="CODE", help="Only jobs that failed with this code.")]
Session = Annotated[
    str | None,
    typer.Option(metavar="ID", callback=_check_session, help="Only messages of this session, by its id or ref."),
]
OlderThan = Annotated[str | None, typer.Option(metavar="AGE", help="Accepted longer ago than this: 90, 15m, 2h, 7d.")]
Limit = Annotated[
    int, typer.Option(min=1, max=_MOST, help="Most jobs to change, the oldest first: --limit 5 tries it on 5.")
]
Execute = Annotated[bool, typer.Option("--execute", help="Really do it; without it, only show what would change.")]


def read_filter(*, ids: list[str] | None = None, **given: Any) -> dict[str, Any]:
    """Make the API's filter from the options that were given."""
    which = {name: value for name, value in given.items() if value is not None}
    return which | {"ref": ids} if ids else which
