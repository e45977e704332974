"""The dashboard to look at first: does everybody get an answer, and how soon."""

from typing import Final

from relais_dashboards.layout import Dashboard, Section
from relais_dashboards.panels import OUTCOME_COLOURS, Panel, Query, Shape
from relais_dashboards.promql import once, quantile, rate, total

_WAITING = total("", 'relais_jobs{state=~"pending|queued"}', of="kind, state")
_FINISHED = "relais_jobs_finished_total"
_OF_FINISHED = "kind, agent, outcome"
_WAIT = 'relais_queue_wait_seconds{kind="answer"}'
_PROCESSING = 'relais_processing_seconds{kind="answer"}'

_NOW = Section(
    "Now",
    (
        Panel(
            "Waiting",
            "Jobs that wait to be claimed.",
            (Query(_WAITING),),
            Shape.STAT,
            width=4,
            height=4,
            limits=(50, 100),
        ),
        Panel(
            "Running",
            "Jobs that a worker is at.",
            (Query(total("", 'relais_jobs{state="processing"}', of="kind")),),
            Shape.STAT,
            width=4,
            height=4,
        ),
        Panel(
            "Oldest message",
            "How long the message has waited that has waited longest.",
            (Query('max(relais_oldest_waiting_seconds{kind="answer"})'),),
            Shape.STAT,
            unit="s",
            width=4,
            height=4,
            limits=(30, 60),
        ),
        Panel(
            "Failed in the last hour",
            "Share of failed messages in those completed or failed.",
            (Query('max(relais_window_failure_ratio{kind="answer", window="1h"})', empty_when="while none has ended"),),
            Shape.STAT,
            unit="percentunit",
            width=4,
            height=4,
            limits=(0.05, 0.1),
        ),
        Panel(
            "Workers",
            "Worker processes that are alive.",
            (Query('max(relais_workers{state="alive"})'),),
            Shape.STAT,
            width=4,
            height=4,
            wanted=1,
        ),
        Panel(
            "Alerts",
            "Alerts that fire, as Prometheus judges them.",
            (Query('count(ALERTS{alertstate="firing", alertname=~"Relais.*|RabbitMQ.*"}) or vector(0)'),),
            Shape.STAT,
            width=4,
            height=4,
            limits=(1,),
        ),
    ),
)
_JOBS = Section(
    "Jobs",
    (
        Panel(
            "Waiting and running",
            "Jobs that are not over yet, by kind and state.",
            (Query(once("kind, state", 'relais_jobs{state=~"pending|queued|processing"}'), "{{kind}} {{state}}"),),
            stacked=True,
        ),
        Panel(
            "Finished per minute",
            "Jobs that reached a final state.",
            (
                Query(
                    f"60 * {total('kind, outcome', rate(_FINISHED), of=_OF_FINISHED)}",
                    "{{kind}} {{outcome}}",
                ),
            ),
            colours=OUTCOME_COLOURS,
        ),
        Panel(
            "Share that failed",
            "Failed jobs in those completed or failed.",
            (
                Query(
                    total("kind", rate(f'{_FINISHED}{{outcome="failed"}}'), of=_OF_FINISHED)
                    + " / "
                    + total("kind", rate(f'{_FINISHED}{{outcome=~"completed|failed"}}'), of=_OF_FINISHED),
                    "{{kind}}",
                ),
            ),
            unit="percentunit",
            most=1,
            limits=(0.1,),
        ),
    ),
)
_TIMES = Section(
    "How soon",
    (
        Panel(
            "Oldest waiting",
            "Age of the job that has waited longest; 60 s is the objective for messages.",
            (Query(once("kind", "relais_oldest_waiting_seconds"), "{{kind}}"),),
            unit="s",
            limits=(60,),
        ),
        Panel(
            "Wait of messages",
            "Time from the acceptance to the first claim, counted when a message is over.",
            tuple(Query(quantile(share, _WAIT, of="kind"), f"{share:.0%}") for share in (0.5, 0.95, 0.99)),
            unit="s",
            limits=(60,),
        ),
        Panel(
            "Processing of messages",
            "Time of the last attempt.",
            tuple(Query(quantile(share, _PROCESSING, of="agent"), f"{share:.0%}") for share in (0.5, 0.95, 0.99)),
            unit="s",
        ),
    ),
)
_OBJECTIVE = Section(
    "Objective: 99 % of the messages wait no longer than 60 s",
    (
        Panel(
            "Late messages",
            "Share of the messages, over in the window before, that waited longer than the objective allows.",
            tuple(
                Query(f'relais:queue_wait_late:ratio_rate{window}{{kind="answer"}}', window) for window in ("1h", "6h")
            ),
            unit="percentunit",
            width=12,
            limits=(0.01,),
        ),
        Panel(
            "Late while waiting",
            "Share of the time during which a message waited that was late already.",
            tuple(Query(f'relais:oldest_waiting_late:avg{window}{{kind="answer"}}', window) for window in ("1h", "6h")),
            unit="percentunit",
            width=12,
            limits=(0.01,),
        ),
    ),
)
OVERVIEW: Final = Dashboard(
    "relais-overview",
    "Relais: overview",
    "Does everybody get an answer, and how soon?",
    (_NOW, _JOBS, _TIMES, _OBJECTIVE),
)
