"""Whether every accepted message ended as it may, in time, and none came from nowhere."""

from collections import defaultdict
from collections.abc import Iterator

from faults.checker.evidence import ENDS, Evidence, Job
from faults.result import Violation


def accepted_ends(evidence: Evidence) -> Iterator[Violation]:
    """Every message is terminal: answered, cancelled on request, or failed with a reason that the fault permits."""
    cancelled = {str(entry.values["id"]) for entry in evidence.calls("cancel", "invoke")}
    expected = _expectations(evidence)
    for job in evidence.jobs:
        fault = _wrong_end(job, expected.get(job.id), evidence, asked_to_cancel=job.id in cancelled)
        if fault:
            yield Violation("accepted_ends", f"{job.id}: {fault}", evidence.ledger.get(job.id))


def nobody_accepted_unknown(evidence: Evidence) -> Iterator[Violation]:
    """Every acknowledged message is stored, and a stored one that nobody knows comes from a call without a reply."""
    for message in evidence.accepted.keys() - evidence.job.keys():
        yield Violation(
            "nobody_accepted_unknown", f"{message} was acknowledged and is gone", evidence.accepted[message]
        )
    known = {entry.call for entry in evidence.calls("submit", "ok", "fail")}
    unsure = {entry.values["content"] for entry in evidence.calls("submit", "invoke") if entry.call not in known}
    for job in evidence.jobs:
        if job.id not in evidence.accepted and job.content not in unsure:
            yield Violation("nobody_accepted_unknown", f"{job.id} is stored and nobody sent it", job)


def same_key_same_message(evidence: Evidence) -> Iterator[Violation]:
    """An idempotency key stands for one message, however often it is sent."""
    told: dict[str, set[str]] = defaultdict(set)
    for entry in evidence.calls("submit", "ok"):
        told[str(evidence.asked[entry.call].values["key"])].add(str(entry.values["id"]))
    for job in evidence.jobs:
        if job.key is not None:
            told[job.key].add(job.id)
    for key, messages in told.items():
        if len(messages) > 1:
            yield Violation("same_key_same_message", f"key {key} stands for {len(messages)} messages", sorted(messages))


def recovered_in_time(evidence: Evidence) -> Iterator[Violation]:
    """What was accepted before the healing has ended within the fault's budget after it."""
    late = {job: took_s for job, took_s in ended_after_s(evidence).items() if took_s > evidence.allowed.budget_s}
    for job, took_s in late.items():
        what = f"{job} ended {took_s:.1f} s after the healing, the budget is {evidence.allowed.budget_s:g} s"
        yield Violation("recovered_in_time", what, evidence.ledger[job])


def ended_after_s(evidence: Evidence) -> dict[str, float]:
    """Seconds from the healing to the first end of each message accepted before it; 0 when it had ended already."""
    found = {}
    for job, events in evidence.ledger.items():
        if events[0].at >= evidence.healed_at:
            continue
        states = [event for event in events if event.at < evidence.healed_at]
        ends = [event.at for event in events if event.at >= evidence.healed_at and event.target in ENDS]
        if states[-1].target in ENDS:
            found[job] = 0.0
        elif ends:
            found[job] = ends[0] - evidence.healed_at
    return found


def _expectations(evidence: Evidence) -> dict[str, tuple[str, str]]:
    asked = {message: evidence.asked[entry.call] for message, entry in evidence.accepted.items()}
    return {message: tuple(call.values["expect"]) for message, call in asked.items() if call.values.get("expect")}


def _wrong_end(job: Job, expected: tuple[str, str] | None, evidence: Evidence, *, asked_to_cancel: bool) -> str | None:
    if expected is not None:
        return None if (job.state, job.error_code) == expected else f"{job.state} {job.error_code}, not {expected}"
    if job.state not in ENDS:
        return f"still {job.state}, attempt {job.attempt}"
    if job.state == "failed" and job.error_code not in evidence.allowed.may_fail_with:
        return f"failed with {job.error_code}, which this fault does not permit"
    if job.state == "cancelled" and not asked_to_cancel:
        return "cancelled, and nobody asked for it"
    return None
