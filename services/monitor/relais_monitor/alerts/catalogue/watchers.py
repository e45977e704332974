"""Rules about the watchers themselves, which only Prometheus can judge."""

from typing import Final

from relais_monitor.alerts.rule import Rule, Severity

RULES: Final = (
    Rule(
        name="RelaisMonitorDown",
        severity=Severity.CRITICAL,
        for_s=60,
        summary="No monitor of Relais answers.",
        description="Prometheus gets no figures from any monitor, so no other alert of Relais can fire. Messages are "
        "answered all the same.",
        unit="of the scrapes find no monitor",
        expr='absent(up{job="relais-monitor"} == 1)',
        condition=None,
    ),
    Rule(
        name="RelaisTargetDown",
        severity=Severity.WARNING,
        for_s=120,
        summary="Prometheus can't scrape a target.",
        description="One of the targets in infra/prometheus/prometheus.yml doesn't answer: it is down, or its address "
        "or network has changed.",
        unit="of the last scrape succeeded",
        # By name: a Prometheus that others use as well has targets that are none of ours.
        expr='up{job=~"rabbitmq|alertmanager"} == 0\n'
        'or\n(up{job="relais-monitor"} == 0 and on () (up{job="relais-monitor"} == 1))',  # else see the rule above
        condition=None,
    ),
)
