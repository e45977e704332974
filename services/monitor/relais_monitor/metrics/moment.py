"""Metrics of this moment: what waits, what runs, who works, which part is down, what is paused."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from relais.parts import ALARMS
from relais.store.stats import BrokerReport, Stats
from relais_monitor.metrics.building import gauge
from relais_monitor.snapshot import Snapshot


def moment_families(snapshot: Snapshot) -> Iterator[Metric]:
    """Give them."""
    stats = snapshot.stats
    yield gauge(
        "relais_jobs",
        "Jobs by kind and state; finished ones as long as they are stored.",
        ("kind", "state"),
        {(kind, state): count for (kind, state), count in snapshot.jobs.items()},
    )
    yield gauge(
        "relais_oldest_waiting_seconds",
        "Age of the job that has waited longest; 0 when none waits.",
        ("kind",),
        {(kind,): age_s for kind, age_s in stats.backlog.oldest_waiting_s.items()},
    )
    yield gauge(
        "relais_longest_processing_seconds",
        "Time of the attempt that has run longest; 0 when none runs.",
        ("kind",),
        {(kind,): age_s for kind, age_s in stats.backlog.longest_processing_s.items()},
    )
    yield from _pauses(stats)
    yield from _capacity(stats)
    yield from _parts(stats)
    if stats.sweeper_ran_at is not None:
        yield GaugeMetricFamily(
            "relais_sweeper_last_run_timestamp_seconds", "When the sweeper last repaired.", value=stats.sweeper_ran_at
        )
    if stats.broker is not None:
        yield from _broker(stats.broker)


def _pauses(stats: Stats) -> Iterator[Metric]:
    yield gauge(
        "relais_queue_paused",
        "1 while nothing is claimed from the queue.",
        ("queue",),
        {(name,): float(since is not None) for name, since in stats.queues_paused.items()},
    )
    yield gauge(
        "relais_agent_paused",
        "1 while no job of the agent is claimed.",
        ("agent",),
        {(slug,): float(slug in stats.agents_paused) for slug in sorted(stats.agents.values())},
    )


def _capacity(stats: Stats) -> Iterator[Metric]:
    yield gauge(
        "relais_workers",
        "Worker processes: alive, or silent without having said goodbye.",
        ("state",),
        {("alive",): stats.workers_alive, ("silent",): stats.workers_silent},
    )
    yield gauge(
        "relais_worker_slots",
        "Slots of the workers that are alive; free ones wait while their worker finds a part down, and idle otherwise.",
        ("state",),
        {("busy",): stats.slots_busy, ("idle",): stats.slots_idle, ("waiting",): stats.slots_waiting},
    )


def _parts(stats: Stats) -> Iterator[Metric]:
    if not stats.waiting_for:  # without a live worker nobody knows
        return
    yield gauge(
        "relais_workers_waiting",
        "Live workers that claim nothing since they find a part down.",
        ("part",),
        {(part,): count for part, count in stats.waiting_for.items()},
    )
    yield gauge(
        "relais_part_up",
        "1 when at least one live worker doesn't find the part down.",
        ("part",),
        {(part,): float(count < stats.workers_alive) for part, count in stats.waiting_for.items()},
    )


def _broker(report: BrokerReport) -> Iterator[Metric]:
    yield GaugeMetricFamily("relais_broker_up", "1 when the sweeper reached the broker.", value=float(report.up))
    if report.alarms is not None:
        yield gauge(
            "relais_broker_alarm",
            "1 while RabbitMQ is short of the resource and takes no tokens, as the sweeper saw it.",
            ("resource",),
            {(resource,): float(resource in report.alarms) for resource in sorted(ALARMS)},
        )
    yield gauge(
        "relais_tokens_ready",
        "Tokens in the broker, as the sweeper saw them.",
        ("queue",),
        {(queue,): count for queue, count in report.ready.items()},
    )
