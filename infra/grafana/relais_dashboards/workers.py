"""The dashboard of capacity: who works, what keeps them from it, whether there are enough."""

from typing import Final

from relais_dashboards.layout import Dashboard, Section
from relais_dashboards.panels import Panel, Query, Shape
from relais_dashboards.promql import once, rate, total

_SLOTS = total("", "relais_worker_slots", of="state")
_BUSY = 'max(relais_worker_slots{state="busy"})'
_WAITING = total("", 'relais_jobs{state=~"pending|queued"}', of="kind, state")
_NO_WORKER = "without a live worker, since nobody knows then"

_CAPACITY = Section(
    "Capacity",
    (
        Panel(
            "Slots in use",
            "Busy slots in all slots of the live workers.",
            (Query(f"{_BUSY} / {_SLOTS}"),),
            Shape.STAT,
            unit="percentunit",
            width=6,
            height=4,
            limits=(0.8, 0.95),
        ),
        Panel(
            "Backlog per slot",
            "Waiting jobs for each slot; KEDA adds workers above one.",
            (Query(f"{_WAITING} / {_SLOTS}"),),
            Shape.STAT,
            width=6,
            height=4,
            limits=(1, 5),
        ),
        Panel(
            "Longest attempt",
            "How long the attempt has run that has run longest.",
            (Query("max(relais_longest_processing_seconds)"),),
            Shape.STAT,
            unit="s",
            width=6,
            height=4,
            limits=(600, 1200),
        ),
        Panel(
            "Silent workers",
            "Workers that neither show a sign of life nor said goodbye.",
            (Query('max(relais_workers{state="silent"})'),),
            Shape.STAT,
            width=6,
            height=4,
            limits=(1,),
        ),
        Panel(
            "Slots",
            "Busy, idle, or waiting because their worker finds a part down.",
            (Query(once("state", "relais_worker_slots"), "{{state}}"),),
            stacked=True,
            colours={"busy": "blue", "idle": "green", "waiting": "orange"},
        ),
        Panel(
            "Waiting jobs per slot",
            "What there is to do for each slot.",
            (Query(f"{_WAITING} / {_SLOTS}", "jobs per slot"),),
        ),
        Panel(
            "Slots that the work takes",
            "Seconds of processing per second: how many slots were needed on average.",
            (
                Query(
                    total("kind", rate("relais_processing_seconds_sum"), of="kind, agent"),
                    "{{kind}}",
                ),
            ),
            stacked=True,
        ),
    ),
)
_WORKERS = Section(
    "Workers",
    (
        Panel("Workers", "Processes by state.", (Query(once("state", "relais_workers"), "{{state}}"),), stacked=True),
        Panel(
            "Longest attempt by kind",
            "The deadline ends an attempt after 20 minutes at most.",
            (Query(once("kind", "relais_longest_processing_seconds"), "{{kind}}"),),
            unit="s",
        ),
        Panel(
            "Handed back and lost",
            "Attempts per minute that a stopping worker gave back, or that were taken from a dead one.",
            (
                Query(
                    f"60 * {total('cause', rate('relais_job_retries_total'), of='kind, cause')}",
                    "{{cause}}",
                ),
            ),
        ),
    ),
)
_HINDRANCES = Section(
    "What keeps them from working",
    (
        Panel(
            "Parts up",
            "1 when at least one live worker reaches the part.",
            (Query("min by (part) (relais_part_up)", "{{part}}", _NO_WORKER),),
            most=1,
        ),
        Panel(
            "Workers that wait for a part",
            "They claim nothing until the part answers again.",
            (Query(once("part", "relais_workers_waiting"), "{{part}}", _NO_WORKER),),
        ),
        Panel(
            "Paused",
            "1 while nothing is claimed from the queue, or of the agent.",
            (
                Query(once("queue", "relais_queue_paused"), "queue {{queue}}"),
                Query(once("agent", "relais_agent_paused"), "agent {{agent}}", "while there is no agent"),
            ),
            most=1,
        ),
        Panel(
            "Tokens in the broker",
            "Wake-ups that nobody has taken yet, as the sweeper saw them.",
            (Query(once("queue", "relais_tokens_ready"), "{{queue}}", "while the sweeper or the broker is away"),),
        ),
    ),
)
WORKERS: Final = Dashboard(
    "relais-workers",
    "Relais: workers and capacity",
    "Who works, what keeps them from it, and are there enough?",
    (_CAPACITY, _WORKERS, _HINDRANCES),
)
