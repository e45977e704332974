"""Metrics of what the ledger says: counters and histograms since the beginning."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from relais_monitor.metrics.building import counter, durations, sizes
from relais_monitor.metrics.counts import Series
from relais_monitor.tally.sums import Sums


def history_families(series: Series, totals: Sums) -> Iterator[Metric]:
    """Give them."""
    yield from _counters(series)
    yield from _durations(series)
    yield CounterMetricFamily(
        "relais_leases_expired",
        "Attempts taken from a worker that died or fell silent.",
        value=totals.count("expired"),
    )
    yield CounterMetricFamily(
        "relais_attempts_superseded",
        "Results that came too late and were dropped; those of cancelled jobs don't count.",
        value=totals.count("superseded"),
    )
    yield CounterMetricFamily(
        "relais_duplicate_answers", "Jobs completed a second time; must be 0.", value=totals.count("duplicates")
    )


def _counters(series: Series) -> Iterator[Metric]:
    yield counter(
        "relais_jobs_finished",
        "Jobs that reached a final state.",
        ("kind", "agent", "outcome"),
        series.finished(),
    )
    yield counter(
        "relais_job_failures",
        "Attempts that failed, those tried again included.",
        ("kind", "reason"),
        series.failures(),
    )
    yield counter(
        "relais_job_retries",
        "Jobs that went back into the line: after an error, a lost lease, a worker's stop, or by a person.",
        ("kind", "cause"),
        series.retries(),
    )
    yield counter(
        "relais_job_cancels",
        "Jobs that were cancelled while waiting or processing.",
        ("kind", "during"),
        series.cancels(),
    )
    yield counter(
        "relais_answers", "Answers, and whether they rest on passages.", ("agent", "grounded"), series.answers()
    )
    yield counter(
        "relais_model_tokens", "Tokens that models read and wrote for answers.", ("model", "direction"), series.tokens()
    )


def _durations(series: Series) -> Iterator[Metric]:
    yield durations(
        "relais_queue_wait_seconds",
        "Time from the acceptance, or a person's retry, to the first claim, of finished jobs.",
        ("kind",),
        series.waits(),
    )
    yield durations(
        "relais_processing_seconds",
        "Time of the last attempt of completed and failed jobs.",
        ("kind", "agent"),
        series.processing(),
    )
    yield sizes(
        "relais_job_attempts",
        "Attempts since the acceptance, or a person's retry, of finished jobs.",
        ("kind", "outcome"),
        series.attempts(),
    )
    yield durations("relais_retrieval_seconds", "Time of the search for an answer.", ("agent",), series.retrieval())
    yield durations(
        "relais_time_to_first_token_seconds",
        "Time from the request to the model to its first token.",
        ("model",),
        series.first_token(),
    )
    yield durations(
        "relais_generation_seconds",
        "Time from the request to the model to its last token.",
        ("model",),
        series.generation(),
    )
