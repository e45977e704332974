"""All alert rules; `infra/prometheus/rules/alerts.yml` is generated from them, and `docs/runbook.md` explains each."""

from typing import Final

from relais_monitor.alerts.catalogue import backlog, failures, objective, parts, watchers, workers
from relais_monitor.alerts.rule import Rule

GROUPS: Final[dict[str, tuple[Rule, ...]]] = {
    "relais-backlog": backlog.RULES,
    "relais-objective": objective.RULES,
    "relais-failures": failures.RULES,
    "relais-workers": workers.RULES,
    "relais-parts": parts.RULES,
    "relais-watchers": watchers.RULES,
}
"""The rules by group, as Prometheus evaluates them."""

RULES: Final[tuple[Rule, ...]] = tuple(rule for rules in GROUPS.values() for rule in rules)
RULE_BY_NAME: Final[dict[str, Rule]] = {rule.name: rule for rule in RULES}
