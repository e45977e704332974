"""Recording rules: what several alerts and dashboards need, computed once.

Two monitors report the same figures, so that each is taken once (`max by`) before anything is added up.
"""

from dataclasses import dataclass
from typing import Final

from relais_monitor.alerts.figures import OBJECTIVE_WAIT_S

WINDOWS: Final = ("5m", "30m", "1h", "6h")


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus computes from others; named level:metric:operation."""

    record: str
    expr: str


IN_TIME: Final = f'le=~"{OBJECTIVE_WAIT_S}(\\\\.0)?"'
"""Selects the bucket of the waits within the objective, however its bound is spelt."""


def _late_waits(window: str) -> Recording:
    in_time = f"rate(relais_queue_wait_seconds_bucket{{{IN_TIME}}}[{window}])"
    return Recording(
        f"relais:queue_wait_late:ratio_rate{window}",
        f"1 - max by (kind) ({in_time})\n/ max by (kind) (rate(relais_queue_wait_seconds_count[{window}]))",
    )


def _late_oldest(window: str) -> Recording:
    return Recording(
        f"relais:oldest_waiting_late:avg{window}", f"avg_over_time(relais:oldest_waiting_late:bool[{window}])"
    )


RECORDINGS: Final[tuple[Recording, ...]] = (
    Recording(
        "relais:jobs_finished:increase5m",
        "sum by (kind, outcome) (max by (kind, agent, outcome) (increase(relais_jobs_finished_total[5m])))",
    ),
    Recording(
        "relais:processing_seconds:mean5m",
        "sum by (kind) (max by (kind, agent) (rate(relais_processing_seconds_sum[5m])))\n"
        "/ sum by (kind) (max by (kind, agent) (rate(relais_processing_seconds_count[5m])))",
    ),
    *(_late_waits(window) for window in WINDOWS),
    Recording(
        "relais:oldest_waiting_late:bool",
        f"max by (kind) (relais_oldest_waiting_seconds) > bool {OBJECTIVE_WAIT_S}",
    ),
    *(_late_oldest(window) for window in WINDOWS),
)
