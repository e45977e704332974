"""Turns a snapshot into Prometheus metric families; what is unknown has no sample."""

import platform
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from relais.lifecycle import TERMINAL
from relais.queues import Kind
from relais.store.ledger import SUPERSEDED
from relais.store.stats import BrokerReport, Stats
from relais_monitor.snapshot import Snapshot

# Reasons that the store itself gives; a worker's reasons appear with their first failure.
_KNOWN_REASONS = ("lease_expired", "worker_lost")
_FAILURES = frozenset({"fail", "retry_later", "expire", "expire_spent"})
_EXPIRIES = frozenset({"expire", "expire_spent"})


def families(snapshot: Snapshot | None) -> Iterator[Metric]:
    """Give the families of a snapshot; without one, only that the database is away."""
    yield InfoMetricFamily(
        "relais_build",
        "The version of Relais that reports.",
        value={"version": version("relais"), "python": platform.python_version()},
    )
    yield GaugeMetricFamily(
        "relais_database_up",
        "1 when the monitor could read the database for this scrape.",
        value=float(snapshot is not None),
    )
    if snapshot is not None:
        yield from _moment(snapshot.stats)
        yield from _history(snapshot)


def _moment(stats: Stats) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("relais_jobs", "Jobs by kind and state.", labels=("kind", "state"))
    for (kind, state), count in stats.jobs.items():
        jobs.add_metric((kind, state), count)
    oldest = GaugeMetricFamily(
        "relais_oldest_waiting_seconds", "Age of the job that has waited longest; 0 when none waits.", labels=("kind",)
    )
    for kind, age_s in stats.oldest_waiting_s.items():
        oldest.add_metric((kind,), age_s)
    yield from (jobs, oldest, *_capacity(stats))
    if stats.sweeper_ran_at is not None:
        yield GaugeMetricFamily(
            "relais_sweeper_last_run_timestamp_seconds", "When the sweeper last repaired.", value=stats.sweeper_ran_at
        )
    if stats.broker is not None:
        yield from _broker(stats.broker)


def _capacity(stats: Stats) -> Iterator[Metric]:
    workers = GaugeMetricFamily(
        "relais_workers", "Worker processes: alive, or silent without having said goodbye.", labels=("state",)
    )
    workers.add_metric(("alive",), stats.workers_alive)
    workers.add_metric(("silent",), stats.workers_silent)
    slots = GaugeMetricFamily(
        "relais_worker_slots",
        "Slots of the workers that are alive; free ones wait while their worker finds a part down, and idle otherwise.",
        labels=("state",),
    )
    slots.add_metric(("busy",), stats.slots_busy)
    slots.add_metric(("idle",), stats.slots_idle)
    slots.add_metric(("waiting",), stats.slots_waiting)
    yield from (workers, slots)
    yield from _parts(stats)


def _parts(stats: Stats) -> Iterator[Metric]:
    if not stats.waiting_for:  # without a live worker nobody knows
        return
    waiting = GaugeMetricFamily(
        "relais_workers_waiting", "Live workers that claim nothing since they find a part down.", labels=("part",)
    )
    up = GaugeMetricFamily(
        "relais_part_up", "1 when at least one live worker doesn't find the part down.", labels=("part",)
    )
    for part, count in stats.waiting_for.items():
        waiting.add_metric((part,), count)
        up.add_metric((part,), float(count < stats.workers_alive))
    yield from (waiting, up)


def _broker(report: BrokerReport) -> Iterator[Metric]:
    yield GaugeMetricFamily("relais_broker_up", "1 when the sweeper reached the broker.", value=float(report.up))
    ready = GaugeMetricFamily(
        "relais_tokens_ready", "Tokens in the broker, as the sweeper saw them.", labels=("queue",)
    )
    for queue, count in report.ready.items():
        ready.add_metric((queue,), count)
    yield ready


def _history(snapshot: Snapshot) -> Iterator[Metric]:
    finished, failures = count_finished(snapshot), count_failures(snapshot)
    by_outcome = CounterMetricFamily(
        "relais_jobs_finished", "Jobs that reached a final state.", labels=("kind", "agent", "outcome")
    )
    for finished_key, count in sorted(finished.items()):
        by_outcome.add_metric(finished_key, count)
    by_reason = CounterMetricFamily(
        "relais_job_failures", "Attempts that failed, those tried again included.", labels=("kind", "reason")
    )
    for failure_key, count in sorted(failures.items()):
        by_reason.add_metric(failure_key, count)
    yield from (by_outcome, by_reason)
    yield CounterMetricFamily(
        "relais_leases_expired", "Attempts taken from a worker that died or fell silent.", value=count_expired(snapshot)
    )
    yield CounterMetricFamily(
        "relais_attempts_superseded", "Results that came too late and were dropped.", value=count_superseded(snapshot)
    )


def count_finished(snapshot: Snapshot) -> Counter[tuple[str, str, str]]:
    """Count final states by kind, agent and outcome; every agent in use has all its series from the beginning."""
    slugs = {**snapshot.stats.deleted_agents, **snapshot.stats.agents}
    counts: Counter[tuple[str, str, str]] = Counter()
    counts.update(
        {(kind, slug, end): 0 for kind in Kind for slug in snapshot.stats.agents.values() for end in TERMINAL}
    )
    for key, count in snapshot.totals.items():
        if key.transition != SUPERSEDED and key.to_state in TERMINAL:
            counts[key.kind, slugs[key.agent_id], key.to_state] += count
    return counts


def count_failures(snapshot: Snapshot) -> Counter[tuple[str, str]]:
    """Count failed attempts by kind and reason."""
    counts: Counter[tuple[str, str]] = Counter()
    counts.update({(kind, reason): 0 for kind in Kind for reason in _KNOWN_REASONS})
    for key, count in snapshot.totals.items():
        if key.transition in _FAILURES:
            counts[key.kind, key.error_code or "unknown"] += count
    return counts


def count_expired(snapshot: Snapshot) -> int:
    """Count the attempts whose lease ran out."""
    return sum(count for key, count in snapshot.totals.items() if key.transition in _EXPIRIES)


def count_superseded(snapshot: Snapshot) -> int:
    """Count the results that the fence kept out."""
    return sum(count for key, count in snapshot.totals.items() if key.transition == SUPERSEDED)
