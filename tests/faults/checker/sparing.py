"""Whether a fault that is none of the messages' doing was charged to their attempts."""

from collections.abc import Iterator

from faults.checker.evidence import Evidence
from faults.result import Violation

_TAKEN = frozenset({"expire", "expire_spent"})
_NOBODYS_FAULT = "database_unavailable"


def attempts_spared(evidence: Evidence) -> Iterator[Violation]:
    """Where the fault permits no loss of attempts, no lease lapses and no attempt ends for want of the database."""
    if evidence.allowed.costs_attempts:
        return
    for event in evidence.events:
        if event.transition in _TAKEN or (event.error_code == _NOBODYS_FAULT and event.transition != "hand_back"):
            what = f"{event.job}: {event.transition} ({event.error_code}) charged attempt {event.attempt}"
            yield Violation("attempts_spared", what, evidence.ledger.get(event.job))
