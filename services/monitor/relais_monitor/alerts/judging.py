"""Judges all rules by one reading of the figures."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from relais_monitor.alerts.catalogue import RULE_BY_NAME, RULES
from relais_monitor.alerts.figures import Figures
from relais_monitor.alerts.instance import Instance, Key, Phase, holds, holds_no_more, key_of
from relais_monitor.alerts.rule import Finding

DATABASE_DOWN: Final = "RelaisDatabaseDown"
_JUDGED: Final = tuple(rule for rule in RULES if rule.condition is not None)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found, and the rules of which nothing is known: their alerts stay as they are."""

    findings: Mapping[Key, Finding]
    unknown: frozenset[str]


def judge(figures: Figures | None) -> Judgement:
    """Judge by the figures; None means that the database didn't give any."""
    if figures is None:
        down = Finding(0.0)
        return Judgement(
            {key_of(DATABASE_DOWN, down): down}, frozenset(rule.name for rule in _JUDGED) - {DATABASE_DOWN}
        )
    findings: dict[Key, Finding] = {}
    unknown = set()
    for rule in _JUDGED:
        found = rule.condition(figures) if rule.condition else None
        if found is None:
            unknown.add(rule.name)
        findings |= {key_of(rule.name, finding): finding for finding in found or ()}
    return Judgement(findings, frozenset(unknown))


def follow(alerts: Mapping[Key, Instance], judgement: Judgement, now: float) -> dict[Key, Instance]:
    """The alerts after a judgement."""
    after: dict[Key, Instance] = {}
    for key, finding in judgement.findings.items():
        after[key] = holds(alerts.get(key), key, finding, for_s=RULE_BY_NAME[key[0]].for_s, now=now)
    for key, alert in alerts.items():
        if key in after:
            continue
        kept = alert if alert.rule in judgement.unknown else holds_no_more(alert, now=now)
        if kept is not None:
            after[key] = kept
    return after


def inhibited(alerts: Collection[Instance]) -> frozenset[str]:
    """Rules that are no news, since their cause fires."""
    firing = {alert.rule for alert in alerts if alert.phase is Phase.FIRING}
    return frozenset(rule.name for rule in RULES if firing.intersection(rule.inhibited_by))
