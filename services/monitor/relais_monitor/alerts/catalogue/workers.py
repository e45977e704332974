"""Rules about those who work and those who repair."""

from typing import Final

from relais.queues import Kind
from relais_monitor.alerts.figures import Figures
from relais_monitor.alerts.rule import BETWEEN_COUNTS, Finding, Measure, Rule, Severity

_LONGEST_SILENCE_S: Final = 30
_MOST_EXPIRED: Final = 3


def _no_worker(figures: Figures) -> tuple[Finding, ...]:
    waiting = sum(figures.waiting(kind) for kind in Kind)
    return (Finding(waiting),) if waiting and not figures.workers_alive else ()


def _sweeper(figures: Figures) -> tuple[Finding, ...]:
    if figures.sweeper_ran_at is None:
        return (Finding(None),)
    silent_s = figures.now - figures.sweeper_ran_at
    return (Finding(silent_s),) if silent_s > _LONGEST_SILENCE_S else ()


def _expiring(figures: Figures) -> tuple[Finding, ...] | None:
    if figures.past is None:
        return None
    return (Finding(figures.past.expired_10m),) if figures.past.expired_10m > _MOST_EXPIRED else ()


RULES: Final = (
    Rule(
        name="RelaisNoWorker",
        severity=Severity.CRITICAL,
        for_s=60,
        summary="Jobs wait and no worker is alive.",
        description="No worker has shown life for 30 seconds while jobs wait. Nothing is lost: the jobs stay in their "
        "order and are taken up as soon as a worker starts.",
        unit="jobs waiting without a worker",
        expr='sum(max by (kind, state) (relais_jobs{state=~"pending|queued"})) > 0\n'
        'and on ()\nmax(relais_workers{state="alive"}) == 0',
        condition=_no_worker,
        inhibited_by=("RelaisDatabaseDown",),
    ),
    Rule(
        name="RelaisSweeperSilent",
        severity=Severity.CRITICAL,
        for_s=15,
        summary="The sweeper has not run for 30 seconds.",
        description="The sweeper repairs every second. Without it the jobs of dead workers stay where they are, and "
        "retries that are due wait until a worker looks by itself.",
        unit="since the sweeper ran",
        measure=Measure.SECONDS,
        expr=f"time() - max(relais_sweeper_last_run_timestamp_seconds) > {_LONGEST_SILENCE_S}\n"
        "or on ()\n(max(relais_database_up) == 1 unless on () relais_sweeper_last_run_timestamp_seconds) * Inf",
        condition=_sweeper,
        inhibited_by=("RelaisDatabaseDown",),
    ),
    Rule(
        name="RelaisLeasesExpiring",
        severity=Severity.WARNING,
        for_s=60,
        summary="Workers lose their jobs again and again.",
        description="More than 3 attempts in 10 minutes were taken from workers that died or fell silent: workers crash"
        " in a loop, are killed for their memory, or are cut off from the database.",
        unit="leases expired in 10 minutes",
        expr=f"max(increase(relais_leases_expired_total[10m])) > {_MOST_EXPIRED + BETWEEN_COUNTS}",
        condition=_expiring,
        inhibited_by=("RelaisDatabaseDown",),
    ),
)
