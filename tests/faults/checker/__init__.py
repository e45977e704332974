"""Judges a trial: one function per invariant of the promise, over the evidence."""

from collections.abc import Callable, Iterator

from faults.checker.answers import answered_once, answered_rightly, told_the_truth
from faults.checker.broker import announced_was_confirmed
from faults.checker.ends import accepted_ends, nobody_accepted_unknown, recovered_in_time, same_key_same_message
from faults.checker.evidence import Evidence
from faults.checker.leases import lease_respected, one_lease
from faults.checker.ledger import attempts_rise, fenced_off_truly, terminal_stays
from faults.checker.order import position_equals_oracle, session_order
from faults.checker.quiet import metrics_equal_sql, nobody_gave_up, nothing_leaks, serves_again
from faults.checker.sparing import attempts_spared
from faults.result import Violation

CHECKS: tuple[Callable[[Evidence], Iterator[Violation]], ...] = (
    accepted_ends,
    nobody_accepted_unknown,
    same_key_same_message,
    answered_once,
    answered_rightly,
    told_the_truth,
    attempts_rise,
    attempts_spared,
    fenced_off_truly,
    terminal_stays,
    one_lease,
    lease_respected,
    session_order,
    position_equals_oracle,
    announced_was_confirmed,
    recovered_in_time,
    serves_again,
    nobody_gave_up,
    nothing_leaks,
    metrics_equal_sql,
)


def check(evidence: Evidence) -> list[Violation]:
    """Every violation of every invariant."""
    return [violation for invariant in CHECKS for violation in invariant(evidence)]
