"""What a bulk action would do, and what it did."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from relais_cli.render import counted, make_table
from relais_cli.views.jobs import jobs_view

SHOWN = 10
_DONE = {"retry": "Retried", "cancel": "Cancelled", "unlock": "Unlocked", "clean": "Cleaned away"}
_WOULD = {"clean": "clean away"}


def preview_view(result: dict[str, Any], jobs: Sequence[dict[str, Any]]) -> RenderableType:
    """What would change: how many, the first of them, and how to go on."""
    changing, matching = len(result["job_ids"]), result["matching"]
    of_all = f" of {matching} that match" if matching > changing else ""
    action = _WOULD.get(result["action"], result["action"])
    if not matching:
        return Group(Text(f"Nothing to {action}: no job matches."), *_skipped(result))
    parts: list[RenderableType] = [Text(f"Would {action} {counted(changing, 'job')}{of_all}.")]
    if jobs:
        parts += [Text(), jobs_view(jobs)]
    if changing > len(jobs) > 0:
        parts += [Text(f"and {changing - len(jobs)} more")]
    parts += _skipped(result)
    if changing:
        few = ", with --limit 1 for the oldest alone" if changing > 1 else ""
        parts += [Text(), Text(f"To do it: the same command with --execute{few}")]
    return Group(*parts)


def result_view(result: dict[str, Any]) -> RenderableType:
    """What was done, and what is left."""
    rest = f"; {result['left']} more match, run it again" if result["left"] else ""
    done = Text(f"{_DONE[result['action']]} {counted(result['changed'], 'job')}{rest}.")
    return Group(done, *_skipped(result))


def _skipped(result: dict[str, Any]) -> Iterator[RenderableType]:
    skipped, count = result["skipped"], result["skipped_count"]
    if not skipped:
        return
    yield Text()
    yield Text(f"Left as {'it is' if count == 1 else 'they are'}:")
    yield make_table(["Job", "Why"], [(one["ref"], one["detail"]) for one in skipped[:SHOWN]])
    if count > SHOWN:
        yield Text(f"and {count - SHOWN} more")
