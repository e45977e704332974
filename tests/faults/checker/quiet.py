"""Whether the system is as it was, once the nemesis has left and all is quiet."""

from collections.abc import Iterator

from faults.checker.evidence import Evidence
from faults.result import Violation

_ENDS_ITSELF = 1  # the status with which a service asks to be started anew


def serves_again(evidence: Evidence) -> Iterator[Violation]:
    """Every service is ready again by itself, and no client is left hanging."""
    for missing in evidence.not_serving:
        yield Violation("serves_again", missing)


def nobody_gave_up(evidence: Evidence) -> Iterator[Violation]:
    """No process crashes, or ends by itself unless the fault is meant to make it."""
    for end in evidence.gave_up:
        if end.status != _ENDS_ITSELF or end.module not in evidence.allowed.may_give_up:
            yield Violation("nobody_gave_up", f"{end.module} ended by itself with status {end.status}", end)


def nothing_leaks(evidence: Evidence) -> Iterator[Violation]:
    """Threads, file descriptors, children and connections are no more than before."""
    for leak in evidence.leaks:
        yield Violation("nothing_leaks", leak)


def metrics_equal_sql(evidence: Evidence) -> Iterator[Violation]:
    """The monitor's figures are those of the database."""
    for difference in evidence.wrong_metrics:
        yield Violation("metrics_equal_sql", difference)
