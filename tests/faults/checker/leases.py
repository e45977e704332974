"""Whether a job had one holder at a time, who kept it as long as the lease ran."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from uuid import UUID

from faults.checker.evidence import Event, Evidence
from faults.result import Violation
from faults.sampler import LeaseSeen

_ENDS_AN_ATTEMPT = frozenset(
    {"complete", "fail", "retry_later", "hand_back", "expire", "expire_spent", "unlock", "cancel"}
)
_CLOCK_SLACK_S = 0.05
# A worker cut off from the database may be taken for dead until it is back.
_BACK_AFTER_S = 10.0


def one_lease(evidence: Evidence) -> Iterator[Violation]:
    """No job is leased to an attempt while the lease of another one runs, unless the ledger says that it ended."""
    seen: dict[UUID, list[LeaseSeen]] = defaultdict(list)
    for lease in evidence.leases:
        seen[lease.job].append(lease)
    for job, leases in seen.items():
        ledger = evidence.ledger.get(str(job), [])
        for before, after in pairwise(sorted(leases, key=lambda lease: lease.at)):
            if (before.attempt, before.worker) == (after.attempt, after.worker) or after.at >= before.expires_at:
                continue
            if not any(e.attempt == before.attempt and e.transition in _ENDS_AN_ATTEMPT for e in ledger):
                yield Violation("one_lease", f"{job} is leased twice", [before, after])


def lease_respected(evidence: Evidence) -> Iterator[Violation]:
    """No job is taken from a worker before its lease ran out, unless that worker is gone."""
    promised: dict[tuple[str, int], float] = {}
    for lease in evidence.leases:
        key = (str(lease.job), lease.attempt)
        promised[key] = max(promised.get(key, 0.0), lease.expires_at)
    for event in evidence.events:
        if event.transition not in {"expire", "expire_spent"}:
            continue
        until = promised.get((event.job, event.attempt), 0.0)
        if until > event.at + _CLOCK_SLACK_S and not _is_gone(evidence, event):
            what = f"{event.job} was taken as {event.error_code} {until - event.at:.2f} s before its lease ran out"
            yield Violation("lease_respected", what, event)


def _is_gone(evidence: Evidence, event: Event) -> bool:
    worker = evidence.workers.get(event.worker or 0)
    if event.error_code != "worker_lost" or worker is None:
        return False
    died_at = evidence.deaths.get(worker.pid)
    was_cut_off = bool(evidence.database_harmed.covering(event.at, slack_s=_BACK_AFTER_S))
    return was_cut_off or (died_at is not None and died_at <= event.at + _CLOCK_SLACK_S)
