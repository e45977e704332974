"""Whether the ledger of each job is a life that the state diagram permits."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from faults.checker.evidence import ENDS, Event, Evidence
from faults.result import Violation
from relais.lifecycle import ACCEPT, COMPLETE, FAIL, HAND_BACK, RETRY_LATER, TRANSITIONS

# What an attempt's own worker writes at its end; `expire` is the sweeper's.
_OWN = frozenset(arrow.name for arrow in (COMPLETE, FAIL, RETRY_LATER, HAND_BACK))
_ARROWS = {arrow.name: arrow for arrow in TRANSITIONS}
_FENCED = frozenset(arrow.name for arrow in TRANSITIONS if arrow.fenced)


def attempts_rise(evidence: Evidence) -> Iterator[Violation]:
    """Attempts rise by one with each claim, states follow one another, and no superseded attempt wrote anything."""
    for job, events in evidence.ledger.items():
        fault = _wrong_arrow(events) or _broken_link(events) or _stale_writer(events)
        row = evidence.job.get(job)
        if not fault and row is not None and (row.state, row.attempt) != (events[-1].target, events[-1].attempt):
            fault = f"the row says {row.state} {row.attempt}, the ledger {events[-1].target} {events[-1].attempt}"
        if fault:
            yield Violation("attempts_rise", f"{job}: {fault}", events)


def terminal_stays(evidence: Evidence) -> Iterator[Violation]:
    """Nothing but a person's retry leaves a terminal state, and nothing at all leaves `completed`."""
    asked = {str(entry.values["id"]) for entry in evidence.calls("retry", "invoke")}
    for job, events in evidence.ledger.items():
        for before, after in pairwise(events):
            retried = after.transition == "retry" and before.target != "completed" and job in asked
            if before.target in ENDS and not retried:
                what = f"{job}: {after.transition} after {before.transition}"
                yield Violation("terminal_stays", what, events)


def fenced_off_truly(evidence: Evidence) -> Iterator[Violation]:
    """A result that was noted as fenced off was: its attempt recorded no end of its own."""
    for event in evidence.events:
        if event.transition != "superseded":
            continue
        own = [e for e in evidence.ledger.get(event.job, []) if e.attempt == event.attempt and e.transition in _OWN]
        if own:
            what = f"{event.job}: attempt {event.attempt} recorded {own[0].transition}, and is noted as fenced off"
            yield Violation("fenced_off_truly", what, [*own, event])


def _wrong_arrow(events: Sequence[Event]) -> str | None:
    first = events[0]
    if (first.transition, first.source, first.target) != (ACCEPT.name, None, ACCEPT.target):
        return f"its life begins with {first.transition} to {first.target}"
    for event in events[1:]:
        arrow = _ARROWS.get(event.transition)
        if arrow is None or event.source not in arrow.sources or event.target != arrow.target:
            return f"{event.transition} leads from {event.source} to {event.target}, where no arrow does"
    return None


def _broken_link(events: Sequence[Event]) -> str | None:
    for before, after in pairwise(events):
        if after.source != before.target:
            return f"{after.transition} leaves {after.source}, but the job was {before.target}"
        rises = 1 if after.transition == "claim" else 0
        if after.attempt != before.attempt + rises:
            return f"{after.transition} has attempt {after.attempt} after {before.attempt}"
    return None


def _stale_writer(events: Sequence[Event]) -> str | None:
    holder: Event | None = None
    for event in events:
        if event.transition == "claim":
            holder = event
        elif event.transition in _FENCED and (holder is None or event.attempt != holder.attempt):
            return f"{event.transition} by attempt {event.attempt}, which was superseded"
    return None
