"""The diagnosis: what is wrong with the whole system, what shows it, and the safe next step."""

from relais.diagnosis.deciding import diagnose
from relais.diagnosis.facts import Facts
from relais.diagnosis.findings import Code, Finding, Severity

__all__ = ["Code", "Facts", "Finding", "Severity", "diagnose"]
