"""Whether each message has its one answer, and clients were told no other."""

from collections.abc import Iterator

from faults.checker.evidence import ENDS, Evidence, Job
from faults.facts import FACTS, uncited
from faults.history import Entry
from faults.result import Violation


def answered_once(evidence: Evidence) -> Iterator[Violation]:
    """A completed message has one answer, of the attempt that its row names, and completed once; others have none."""
    for job in evidence.jobs:
        completions = sum(event.transition == "complete" for event in evidence.ledger.get(job.id, ()))
        fault = _wrong_answer(job, completions)
        if fault:
            yield Violation("answered_once", f"{job.id}: {fault}", evidence.ledger.get(job.id))


def told_the_truth(evidence: Evidence) -> Iterator[Violation]:
    """What a client was shown as the end of a message is in its ledger, the answer is the stored one, and both stay.

    A message that failed or was cancelled may be shown in another state once somebody asked to retry it.
    """
    shown = sorted(evidence.calls("poll", "ok") + evidence.calls("stream", "ok"), key=lambda entry: entry.at)
    ended: dict[str, tuple[str, float]] = {}  # the end that was shown last, and when; `completed` since the first time
    for entry in shown:
        message, state = str(entry.values["id"]), str(entry.values["status"])
        end, since = ended.get(message, (state, float("inf")))
        fault = _untold(evidence, entry, message, state)
        if state != end and evidence.asked[entry.call].at > since and not _reopened(evidence, message, end):
            fault = f"was {end} and is shown as {state}"
        if state in ENDS and (message not in ended or end != "completed"):
            ended[message] = (state, entry.at)
        if fault:
            yield Violation("told_the_truth", f"{message}: {fault}", entry)


def answered_rightly(evidence: Evidence) -> Iterator[Violation]:
    """An answer is the fact that was asked for, whole, and no other; where the fault permits it, it may miss it."""
    expected = {e.values["content"]: e.values.get("answer") for e in evidence.calls("submit", "invoke")}
    for job in evidence.jobs:
        right = expected.get(job.content)
        if right is None or job.answer is None or (answer := uncited(job.answer)) == right:
            continue
        others = [fact for fact in FACTS.values() if fact != right and fact in answer]
        if others or not evidence.allowed.may_answer_ungrounded:
            what = f"{job.id}: {answer[:200]!r} is told for {right!r}"
            yield Violation("answered_rightly", what, evidence.ledger.get(job.id))


def _untold(evidence: Evidence, entry: Entry, message: str, state: str) -> str | None:
    """What is wrong with an end that was shown, by the rows alone."""
    if state not in ENDS:
        return None
    if all(event.target != state for event in evidence.ledger.get(message, ())):
        return f"is shown as {state}, which it never was"
    job = evidence.job.get(message)
    if state == "completed" and (job is None or job.answer != entry.values["content"]):
        return "a client was shown another answer than the stored one"
    return None


def _reopened(evidence: Evidence, message: str, end: str) -> bool:
    return end != "completed" and any(event.transition == "retry" for event in evidence.ledger.get(message, ()))


def _wrong_answer(job: Job, completions: int) -> str | None:
    if job.state != "completed":
        if job.answered_by is not None or completions:
            return f"{job.state}, with an answer of attempt {job.answered_by} and {completions} completions"
        return None
    if job.answered_by is None:
        return "completed without an answer"
    if job.answered_by != job.attempt:
        return f"the answer is of attempt {job.answered_by}, the row is at {job.attempt}"
    return None if completions == 1 else f"completed {completions} times"
