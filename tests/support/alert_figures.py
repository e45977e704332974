"""Figures of a healthy system, for the conditions of alerts to be judged by."""

from typing import Any

from relais.lifecycle import State
from relais.parts import Part
from relais.queues import Kind
from relais_monitor.alerts.figures import BURN_WINDOWS_S, Ended, Figures, Past

NOW = 1_800_000_000.0
HOUR_S = 3600


def past(**changed: Any) -> Past:
    """A quiet day, but for what is given."""
    values: dict[str, Any] = {
        "ended_5m": {kind: Ended(completed=10, failed=0, mean_processing_s=5.0) for kind in Kind},
        "failed_24h": 0,
        "expired_10m": 0,
        "superseded_15m": 0,
        "duplicates_24h": 0,
        "late_waits": {(kind, window_s): 0.0 for kind in Kind for window_s in BURN_WINDOWS_S},
        "late_counts": {(kind, window_s): 0 for kind in Kind for window_s in BURN_WINDOWS_S},
    }
    return Past(**(values | changed))


def figures(jobs: dict[tuple[Kind, State], int] | None = None, **changed: Any) -> Figures:
    """A system with little to do and everything up, but for what is given."""
    values: dict[str, Any] = {
        "now": NOW,
        "jobs": dict.fromkeys([(kind, state) for kind in Kind for state in State], 0) | (jobs or {}),
        "longest_processing_s": dict.fromkeys(Kind, 0.0),
        "workers_alive": 2,
        "workers_waiting": dict.fromkeys(Part, 0),
        "sweeper_ran_at": NOW - 1,
        "broker_up": True,
        "broker_alarms": frozenset(),
        "queues_paused": (),
        "late_oldest": {(kind, window_s): 0.0 for kind in Kind for window_s in BURN_WINDOWS_S},
        "past": past(),
    }
    return Figures(**(values | changed))
