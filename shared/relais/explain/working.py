"""The rules for a job that is worked on or has ended."""

from collections.abc import Callable, Mapping, Sequence

from relais.explain.facts import Cause, Explanation, Facts
from relais.explain.words import NOTHING, failure_of, time_of
from relais.lifecycle import State
from relais.liveness import HOLDER_SILENT_S, sweeper_is_late


def _worker_silent(facts: Facts) -> Explanation | None:
    silent = facts.worker_age_s is None or facts.worker_age_s > HOLDER_SILENT_S
    if not (silent or facts.worker_gone or facts.lease_s is None or facts.lease_s <= 0):
        return None
    seen = (
        "is not in the register" if facts.worker_age_s is None else f"was last seen {time_of(facts.worker_age_s)} ago"
    )
    then = "another attempt follows" if facts.attempt < facts.attempt_limit else "it fails, since no attempt is left"
    over = facts.worker_gone or facts.lease_s is None or facts.lease_s <= 0
    when = "at the sweeper's next round" if over else f"when its lease ends in {time_of(facts.lease_s or 0)}"
    late = sweeper_is_late(facts.sweeper_age_s)
    return Explanation(
        Cause.WORKER_SILENT,
        f"Worker {facts.worker_id}, which works on it, {seen}; {then} {when}.",
        "Start the sweeper: without it nobody takes the job back." if late else NOTHING,
        {
            "worker": facts.worker_id,
            "worker_seen_s": facts.worker_age_s,
            "lease_ends_in_s": facts.lease_s,
            "sweeper_ran_s": facts.sweeper_age_s,
        },
    )


def _running(facts: Facts) -> Explanation:
    limit = "" if facts.deadline_s is None else f" of at most {time_of(facts.deadline_s)}"
    return Explanation(
        Cause.RUNNING,
        f"Worker {facts.worker_id} works on it, attempt {facts.attempt} of {facts.attempt_limit}, "
        f"for {time_of(facts.runs_s or 0)}{limit}; {facts.written:,} characters are written.",
        f"{NOTHING} To stop it, cancel it.",
        {
            "worker": facts.worker_id,
            "worker_seen_s": facts.worker_age_s,
            "lease_ends_in_s": facts.lease_s,
            "runs_s": facts.runs_s,
            "deadline_s": facts.deadline_s,
            "characters": facts.written,
        },
    )


def _completed(facts: Facts) -> Explanation:
    return Explanation(
        Cause.COMPLETED, f"It was completed by attempt {facts.attempt}.", "Nothing.", {"attempt": facts.attempt}
    )


def _failed(facts: Facts) -> Explanation:
    return Explanation(
        Cause.FAILED,
        f"It failed with attempt {facts.attempt} of {facts.attempt_limit}: {failure_of(facts)}",
        f"Mend the reason (docs/troubleshooting.md has {facts.error_code}), then retry it.",
        {"error_code": facts.error_code, "error": facts.error, "attempt": facts.attempt},
    )


def _cancelled(facts: Facts) -> Explanation:
    return Explanation(
        Cause.CANCELLED, "Somebody cancelled it.", "Nothing; a retry puts it back.", {"attempt": facts.attempt}
    )


WORKING: Mapping[State, Sequence[Callable[[Facts], Explanation | None]]] = {
    State.PROCESSING: (_worker_silent, _running),
    State.COMPLETED: (_completed,),
    State.FAILED: (_failed,),
    State.CANCELLED: (_cancelled,),
}
