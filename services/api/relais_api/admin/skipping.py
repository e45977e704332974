"""The jobs that an operator meant and that stay as they are, and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection

from relais.lifecycle import State
from relais.refs import bounds_of, ref_of
from relais.store.bulk import JobFilter
from relais.store.search import FoundJob, search_jobs
from relais.store.unlocking import Refusal

Reason = Refusal | Literal["unknown", "wrong_state", "held_back", "no_match"]

_DETAILS: Final[dict[Reason, str]] = {
    "held_back": "It ended too lately, is among the newest, which stay, is cleaned away already, "
    "or the rest of the filter leaves it out.",
    "no_match": "The rest of the filter leaves it out.",
}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A job that stays as it is, and why."""

    ref: str
    reason: Reason
    detail: str


def explain_left_out(
    conn: Connection, named: Sequence[str], *, taken: Collection[str], takes: Collection[State], otherwise: Reason
) -> list[Skipped]:
    """Say of each named job that is not among those `taken`, by their refs, why it is not.

    Args:
        conn: an open connection.
        named: ids and refs, as they were given.
        taken: refs of the jobs that match.
        takes: the states that the action takes.
        otherwise: the reason for a job in one of these states.
    """
    found = search_jobs(conn, JobFilter(refs=tuple(named)), before=None, limit=len(named) + 1) if named else []
    known = {ref_of(job.id): job for job in found}
    refs = dict.fromkeys(ref_of(bounds_of(name)[0]) for name in named)
    return [_explain(ref, known.get(ref), takes, otherwise) for ref in refs if ref not in taken]


def _explain(ref: str, job: FoundJob | None, takes: Collection[State], otherwise: Reason) -> Skipped:
    if job is None:
        return Skipped(ref, "unknown", "No job has this id or ref.")
    if job.state not in takes:
        return Skipped(ref, "wrong_state", f"It is {job.state}; this takes what is {_either(takes)}.")
    return Skipped(ref, otherwise, _DETAILS[otherwise])


def _either(takes: Collection[State]) -> str:
    return " or ".join(sorted(takes))
