"""Whether each message has its one answer, and clients were told no other."""

from collections import defaultdict
from collections.abc import Iterator

from faults.checker.evidence import Evidence, Job
from faults.result import Violation


def answered_once(evidence: Evidence) -> Iterator[Violation]:
    """A completed message has one answer, of the attempt that its row names, and completed once; others have none."""
    for job in evidence.jobs:
        completions = sum(event.transition == "complete" for event in evidence.ledger.get(job.id, ()))
        fault = _wrong_answer(job, completions)
        if fault:
            yield Violation("answered_once", f"{job.id}: {fault}", evidence.ledger.get(job.id))


def told_the_truth(evidence: Evidence) -> Iterator[Violation]:
    """What a client was shown as the answer is the stored one, and stays it."""
    since: dict[str, float] = defaultdict(lambda: float("inf"))
    shown = sorted(evidence.calls("poll", "ok") + evidence.calls("stream", "ok"), key=lambda entry: entry.at)
    for entry in shown:
        message, state = str(entry.values["id"]), entry.values["status"]
        job = evidence.job.get(message)
        if state != "completed":
            if evidence.asked[entry.call].at > since[message]:
                yield Violation("told_the_truth", f"{message} was completed and is shown as {state}", entry)
            continue
        since[message] = min(since[message], entry.at)
        if job is None or job.answer != entry.values["content"]:
            yield Violation(
                "told_the_truth", f"{message}: a client was shown another answer than the stored one", entry
            )


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
