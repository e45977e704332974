"""Jobs as rows, named by their refs."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from relais.lifecycle import State
from relais.refs import ref_of
from relais_cli.render import age, how_to_see_more, make_table

_TEXTS = 20


def jobs_view(jobs: Sequence[dict[str, Any]]) -> RenderableType:
    """Where each is; of those that run, who works on it for how long, of the others how the last attempt ended."""
    run = bool(jobs) and all(job["state"] == State.PROCESSING for job in jobs)
    columns = ["Worker", "Began"] if run else ["Accepted", "Error"]
    return make_table(
        ["Job", "Kind", "Agent", "State", "Attempts", *columns],
        [(*_row(job), *(_running(job) if run else _standing(job))) for job in jobs],
        whole=[0],
    )


def _row(job: dict[str, Any]) -> tuple[str, ...]:
    attempts = f"{job['attempt']} of {job['attempt_limit']}"
    return ref_of(job["id"]), job["kind"], job["agent"], job["state"], attempts


def _running(job: dict[str, Any]) -> tuple[str, str]:
    return str(job["worker_id"]), age(job["started_at"])


def _standing(job: dict[str, Any]) -> tuple[str, str]:
    return age(job["created_at"]), job["error_code"] or ""


def failed_view(page: dict[str, Any]) -> RenderableType:
    """Failed jobs, then what the errors say, each once."""
    jobs = page["jobs"]
    if not jobs:
        return Text("No failed jobs.")
    rows = [
        (ref_of(job["id"]), job["kind"], job["agent"], age(job["finished_at"]), job["attempt"], job["error_code"])
        for job in jobs
    ]
    table = make_table(["Job", "Kind", "Agent", "Failed", "Attempts", "Error"], rows, right=[4], whole=[0])
    return Group(table, Text(), *map(Text, _errors(jobs)), *map(Text, _rest(page)))


def _errors(jobs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What each error says, with the job where it is one, else how many have it."""
    refs: dict[tuple[str, str], list[str]] = {}
    for job in jobs:
        refs.setdefault((job["error_code"], job["error"]), []).append(ref_of(job["id"]))
    for (code, error), having in list(refs.items())[:_TEXTS]:
        yield f"{code} ({having[0] if len(having) == 1 else f'{len(having)} jobs'}): {error}"
    if len(refs) > _TEXTS:
        yield f"and {len(refs) - _TEXTS} more errors; narrow the filter"


def _rest(page: dict[str, Any]) -> Iterator[str]:
    if page["next_cursor"]:
        yield ""
        shown = len(page["jobs"])
        yield f"Only the newest {shown} are shown: {how_to_see_more(shown)}."
