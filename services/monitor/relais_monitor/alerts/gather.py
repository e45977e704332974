"""Takes from a snapshot what the conditions of the alerts look at."""

from collections.abc import Mapping
from typing import Final

from relais.lifecycle import State
from relais.queues import Kind
from relais_monitor.alerts.figures import BURN_WINDOWS_S, OBJECTIVE_WAIT_S, Ended, Figures, Past
from relais_monitor.snapshot import History, Snapshot
from relais_monitor.tally.minutes import DAY_S

_OBJECTIVE_US: Final = OBJECTIVE_WAIT_S * 1_000_000


def gather(snapshot: Snapshot, late_oldest: Mapping[tuple[Kind, int], float]) -> Figures:
    """Give the figures of a snapshot."""
    stats = snapshot.stats
    return Figures(
        now=stats.now,
        jobs=snapshot.jobs,
        longest_processing_s=stats.backlog.longest_processing_s,
        workers_alive=stats.workers_alive,
        workers_waiting=stats.waiting_for,
        sweeper_ran_at=stats.sweeper_ran_at,
        broker_up=None if stats.broker is None else stats.broker.up,
        broker_alarms=None if stats.broker is None else stats.broker.alarms,
        queues_paused=tuple(queue for queue, since in stats.queues_paused.items() if since is not None),
        late_oldest=late_oldest,
        past=None if snapshot.history is None else _past(snapshot.history),
    )


def _past(history: History) -> Past:
    windows = history.windows["5m"].by_kind
    day = history.sums(DAY_S)
    waits = {
        (kind, window_s): sums.histogram("wait", kind)
        for window_s in BURN_WINDOWS_S
        for sums in [history.sums(window_s)]
        for kind in Kind
    }
    return Past(
        ended_5m={kind: Ended(o.completed, o.failed, o.mean_processing_s) for kind, o in windows.items()},
        failed_24h=sum(day.count("finished", kind, State.FAILED) for kind in Kind),
        expired_10m=history.sums(600).count("expired"),
        superseded_15m=history.sums(900).count("superseded"),
        duplicates_24h=day.count("duplicates"),
        late_waits={
            key: share for key, wait in waits.items() if (share := wait.share_above(_OBJECTIVE_US)) is not None
        },
        late_counts={key: wait.count_above(_OBJECTIVE_US) for key, wait in waits.items()},
    )
