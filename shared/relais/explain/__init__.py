"""Explanations: why a job is where it is, and what to do."""

from relais.explain.deciding import explain
from relais.explain.facts import Blocker, Cause, Explanation, Facts

__all__ = ["Blocker", "Cause", "Explanation", "Facts", "explain"]
