"""Whether the system is as it was, once all is quiet."""

from collections.abc import Iterator

from faults.checker.evidence import Evidence
from faults.result import Violation


def nothing_leaks(evidence: Evidence) -> Iterator[Violation]:
    """Threads, file descriptors, children and connections are no more than before."""
    for leak in evidence.leaks:
        yield Violation("nothing_leaks", leak)


def metrics_equal_sql(evidence: Evidence) -> Iterator[Violation]:
    """The monitor's figures are those of the database."""
    for difference in evidence.wrong_metrics:
        yield Violation("metrics_equal_sql", difference)
