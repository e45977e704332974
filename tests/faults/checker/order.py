"""Whether sessions kept their order, and positions were exact."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

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
        for earlier, later in pairwise(sorted(jobs, key=lambda job: job.ticket)):
            began, ended = _first_claim(evidence, later), _end(evidence, earlier)
            if began < ended:
                what = f"{later.id} began before {earlier.id} of the same session {session} ended"
                yield Violation("session_order", what, [*evidence.ledger[earlier.id], *evidence.ledger[later.id]])


def position_equals_oracle(evidence: Evidence) -> Iterator[Violation]:
    """Every sampled position equals the count of those ahead in the same snapshot."""
    for wrong in evidence.wrong_places:
        what = f"{wrong.job} was told {wrong.told}, the count is {wrong.counted}"
        yield Violation("position_equals_oracle", what, wrong)


def _first_claim(evidence: Evidence, job: Job) -> float:
    return next((e.at for e in evidence.ledger.get(job.id, []) if e.transition == "claim"), float("inf"))


def _end(evidence: Evidence, job: Job) -> float:
    return next((e.at for e in evidence.ledger.get(job.id, []) if e.target in ENDS), float("inf"))
