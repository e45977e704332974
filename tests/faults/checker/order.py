"""Whether sessions kept their order, and positions were exact."""

from collections import defaultdict
from collections.abc import Iterator

from faults.checker.evidence import ENDS, Evidence, Job
from faults.result import Violation


def session_order(evidence: Evidence) -> Iterator[Violation]:
    """No message of a session is worked on before an earlier one ended; one that a person retried left its place."""
    sessions: dict[str, list[Job]] = defaultdict(list)
    for job in evidence.jobs:
        events = evidence.ledger.get(job.id, [])
        if not any(event.transition == "retry" for event in events):
            sessions[job.session].append(job)
    for session, jobs in sessions.items():
        last: Job | None = None  # of those before, the one that ended last
        for job in sorted(jobs, key=lambda job: job.ticket):
            if last is not None and _first_claim(evidence, job) < _end(evidence, last):
                what = f"{job.id} began before {last.id} of the same session {session} ended"
                yield Violation("session_order", what, [*evidence.ledger[last.id], *evidence.ledger[job.id]])
            if last is None or _end(evidence, job) > _end(evidence, last):
                last = job


def position_equals_oracle(evidence: Evidence) -> Iterator[Violation]:
    """Every sampled position equals the count of those ahead in the same snapshot."""
    for wrong in evidence.wrong_places:
        what = f"{wrong.job} was told {wrong.told}, the count is {wrong.counted}"
        yield Violation("position_equals_oracle", what, wrong)


def _first_claim(evidence: Evidence, job: Job) -> float:
    return next((e.at for e in evidence.ledger.get(job.id, []) if e.transition == "claim"), float("inf"))


def _end(evidence: Evidence, job: Job) -> float:
    return next((e.at for e in evidence.ledger.get(job.id, []) if e.target in ENDS), float("inf"))
