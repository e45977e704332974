"""The dashboard of failures: what fails and why, what was lost on the way, whether the watchers watch."""

from typing import Final

from relais_dashboards.layout import Dashboard, Section
from relais_dashboards.panels import Panel, Query, Shape
from relais_dashboards.promql import gained, mean, once, rate, total

_FAILURES_TOTAL = "relais_job_failures_total"
_SWEEPER_AWAY = "while the sweeper is away"

_PROMISES = Section(
    "What must not happen",
    (
        Panel(
            "Answered twice",
            "Jobs completed a second time since the beginning of the ledger; must be 0.",
            (Query("max(relais_duplicate_answers_total)"),),
            Shape.STAT,
            width=6,
            height=4,
            limits=(1,),
        ),
        Panel(
            "Database",
            "1 when the monitor reads the database.",
            (Query("max(relais_database_up)"),),
            Shape.STAT,
            width=6,
            height=4,
            wanted=1,
        ),
        Panel(
            "Broker",
            "1 when the sweeper reaches RabbitMQ; messages are accepted without it.",
            (Query("max(relais_broker_up)", empty_when=_SWEEPER_AWAY),),
            Shape.STAT,
            width=6,
            height=4,
            wanted=1,
        ),
        Panel(
            "Sweeper ran ago",
            "It repairs every second; nothing is given back or announced while it doesn't.",
            (Query("time() - max(relais_sweeper_last_run_timestamp_seconds)", empty_when="before its first run"),),
            Shape.STAT,
            unit="s",
            width=6,
            height=4,
            limits=(15, 30),
        ),
    ),
)
_FAILURES = Section(
    "Failures",
    (
        Panel(
            "Failed attempts within five minutes",
            "By reason; those that are tried again included.",
            (
                Query(
                    f"sum by (reason) ({gained('kind, reason', _FAILURES_TOTAL, '5m')}) > 0",
                    "{{reason}}",
                    "while no attempt fails",
                ),
            ),
            width=12,
            stacked=True,
        ),
        Panel(
            "Failed within the last hour",
            "Failed attempts by kind and reason.",
            (
                Query(
                    f"sort_desc({gained('kind, reason', _FAILURES_TOTAL, '1h')} > 0)",
                    empty_when="while no attempt fails",
                ),
            ),
            Shape.TABLE,
            width=12,
        ),
        Panel(
            "Back into the line",
            "Jobs per minute: after an error, a lost lease, a worker's stop, or by a person.",
            (
                Query(
                    f"60 * {total('cause', rate('relais_job_retries_total'), of='kind, cause')}",
                    "{{cause}}",
                ),
            ),
        ),
        Panel(
            "Attempts per job",
            "Mean over the jobs that ended, by outcome.",
            (Query(mean("relais_job_attempts", of="kind, outcome", by="outcome"), "{{outcome}}"),),
        ),
        Panel(
            "Cancelled per minute",
            "Jobs cancelled while they waited or ran.",
            (
                Query(
                    f"60 * {total('during', rate('relais_job_cancels_total'), of='kind, during')}",
                    "{{during}}",
                ),
            ),
        ),
    ),
)
_ATTEMPTS = Section(
    "Workers that died or came too late",
    (
        Panel(
            "Taken from a dead worker, per minute",
            "Attempts whose lease ran out.",
            (Query(f"60 * max({rate('relais_leases_expired_total')})", "leases expired"),),
        ),
        Panel(
            "Results that came too late, per minute",
            "They were dropped: another attempt had the job by then.",
            (Query(f"60 * max({rate('relais_attempts_superseded_total')})", "superseded"),),
        ),
        Panel(
            "Broker's alarms",
            "1 while RabbitMQ is short of the resource and takes no tokens.",
            (
                Query(
                    once("resource", "relais_broker_alarm"),
                    "{{resource}}",
                    "while the sweeper or the broker is away",
                ),
            ),
            most=1,
        ),
    ),
)
_WATCHERS = Section(
    "Alerts and watchers",
    (
        Panel(
            "Alerts",
            "Those that are pending or fire; docs/runbook.md has a section for each.",
            (
                Query(
                    "max by (alertname, alertstate, severity, kind, queue, part) "
                    '(ALERTS{alertname=~"Relais.*|RabbitMQ.*"})',
                    empty_when="while all is well",
                ),
            ),
            Shape.TABLE,
            width=12,
        ),
        Panel(
            "Burn of the objective",
            "How many times faster than allowed the share of late messages is spent; 14.4 calls somebody.",
            tuple(
                Query(f'relais:queue_wait_late:ratio_rate{window}{{kind="answer"}} / 0.01', window)
                for window in ("5m", "1h", "6h")
            ),
            width=6,
            limits=(6, 14.4),
        ),
        Panel(
            "Monitors",
            "1 when Prometheus reads the monitor.",
            (Query('up{job="relais-monitor"}', "{{instance}}"),),
            width=6,
            most=1,
        ),
    ),
)
RELIABILITY: Final = Dashboard(
    "relais-reliability",
    "Relais: reliability",
    "What fails and why, what was lost on the way, and do the watchers watch?",
    (_PROMISES, _FAILURES, _ATTEMPTS, _WATCHERS),
    since="now-6h",
)
