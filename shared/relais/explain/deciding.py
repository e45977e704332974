"""Decides the one cause why a job is where it is: the first rule that holds."""

from relais.explain.facts import Explanation, Facts
from relais.explain.waiting import WAITING
from relais.explain.working import WORKING


def explain(facts: Facts) -> Explanation:
    """Name the cause."""
    for rule in WORKING.get(facts.state, WAITING):
        found = rule(facts)
        if found is not None:
            return found
    raise AssertionError("the last rule of each state always holds")
