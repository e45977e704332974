"""Finds everything that is wrong: every rule is asked, the worst comes first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from relais.diagnosis.answering import find_breaches
from relais.diagnosis.facts import Facts
from relais.diagnosis.failing import find_failures, find_poison
from relais.diagnosis.findings import Code, Finding, Severity
from relais.diagnosis.parts import find_broker_down, find_outdated_schema, find_silent_sweeper, find_silent_workers
from relais.diagnosis.running import find_stray_leases, find_stuck
from relais.diagnosis.tokens import find_token_trouble, find_unannounced
from relais.diagnosis.waiting import find_no_worker, find_parts_down, find_pauses, find_waiting_too_long

_MOST_EVIDENCE = 10
_WORST_FIRST = list(Severity)
_CAUSES_FIRST = list(Code)

_RULES: Sequence[Callable[[Facts], Iterator[Finding]]] = (
    find_breaches, find_silent_sweeper, find_broker_down, find_no_worker, find_parts_down, find_pauses,
    find_silent_workers, find_stuck, find_stray_leases, find_poison, find_token_trouble, find_unannounced,
    find_waiting_too_long, find_failures,
)  # fmt: skip


def diagnose(facts: Facts) -> list[Finding]:
    """Name all findings, the worst first, and causes before what follows from them."""
    rules = _RULES if facts.is_current else (find_outdated_schema,)
    found = [replace(one, evidence=one.evidence[:_MOST_EVIDENCE]) for rule in rules for one in rule(facts)]
    return sorted(found, key=lambda one: (_WORST_FIRST.index(one.severity), _CAUSES_FIRST.index(one.code)))
