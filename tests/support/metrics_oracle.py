"""What the metrics must say, asked of the tables a second time and naively: whole tables, one question each."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, text

Expected = dict[tuple[str, frozenset[tuple[str, str]]], float]
_BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_ATTEMPTS = (1, 2, 3, 4, 5, 10)

# A run of a job begins with its acceptance or with a person's retry.
_RUNS = """
WITH numbered AS (
    SELECT e.*, j.kind, a.slug, count(*) FILTER (WHERE e.transition = 'retry')
               OVER (PARTITION BY e.job_id ORDER BY e.id) AS run
    FROM job_events e JOIN every_job j ON j.id = e.job_id JOIN agents a ON a.id = j.agent_id
    WHERE e.transition <> 'superseded'),
runs AS (
    SELECT job_id, run, kind, slug, min(at) AS began,
           min(at) FILTER (WHERE transition = 'claim') AS taken,
           max(at) FILTER (WHERE transition = 'claim') AS taken_last,
           count(*) FILTER (WHERE transition = 'claim') AS attempts,
           max(at) FILTER (WHERE to_state IN ('completed', 'failed', 'cancelled')) AS ended,
           max(to_state) FILTER (WHERE to_state IN ('completed', 'failed', 'cancelled')) AS outcome
    FROM numbered GROUP BY job_id, run, kind, slug)
"""
_SECONDS = "extract(epoch FROM {})::float AS size"
_DURATIONS = {
    "relais_queue_wait_seconds": (
        ("kind",),
        _RUNS + f"SELECT kind, {_SECONDS.format('taken - began')} FROM runs "
        "WHERE outcome IS NOT NULL AND taken IS NOT NULL",
    ),
    "relais_processing_seconds": (
        ("kind", "agent"),
        _RUNS + f"SELECT kind, slug, {_SECONDS.format('ended - taken_last')} FROM runs "
        "WHERE outcome IN ('completed', 'failed')",
    ),
    "relais_retrieval_seconds": (
        ("agent",),
        (
            "SELECT s.slug, (a.evidence->>'retrieve_ms')::float / 1000 FROM answers a "
            "JOIN messages m ON m.id = a.message_id JOIN agents s ON s.id = m.agent_id "
            "WHERE a.evidence->>'retrieve_ms' ~ '^[0-9]+$'"
        ),
    ),
    "relais_time_to_first_token_seconds": (
        ("model",),
        "SELECT model, (evidence->>'first_token_ms')::float / 1000 FROM answers WHERE evidence ? 'first_token_ms'",
    ),
    "relais_generation_seconds": (
        ("model",),
        "SELECT model, (evidence->>'generate_ms')::float / 1000 FROM answers WHERE evidence ? 'generate_ms'",
    ),
}
_ATTEMPTS_MADE = _RUNS + "SELECT kind, outcome, attempts AS size FROM runs WHERE outcome IS NOT NULL"
_OF_JOBS = "FROM job_events e JOIN every_job j ON j.id = e.job_id"
_COUNTS = {
    "relais_jobs": (("kind", "state"), "SELECT kind, state, count(*) FROM every_job GROUP BY 1, 2"),
    "relais_jobs_finished_total": (
        ("kind", "agent", "outcome"),
        _RUNS + "SELECT kind, slug, outcome, count(*) FROM runs WHERE outcome IS NOT NULL GROUP BY 1, 2, 3",
    ),
    "relais_job_failures_total": (
        ("kind", "reason"),
        (
            f"SELECT j.kind, e.error_code, count(*) {_OF_JOBS} "
            "WHERE e.transition IN ('fail', 'retry_later', 'expire', 'expire_spent') GROUP BY 1, 2"
        ),
    ),
    "relais_job_retries_total": (
        ("kind", "cause"),
        (
            "SELECT j.kind, CASE e.transition WHEN 'retry' THEN 'person' WHEN 'retry_later' THEN 'error' "
            "WHEN 'expire' THEN 'lease' WHEN 'hand_back' THEN 'drain' ELSE 'unlock' END, count(*) "
            f"{_OF_JOBS} WHERE e.transition IN ('retry', 'retry_later', 'expire', 'hand_back', 'unlock') GROUP BY 1, 2"
        ),
    ),
    "relais_job_cancels_total": (
        ("kind", "during"),
        (
            "SELECT j.kind, CASE e.from_state WHEN 'processing' THEN 'processing' ELSE 'waiting' END, count(*) "
            f"{_OF_JOBS} WHERE e.transition = 'cancel' GROUP BY 1, 2"
        ),
    ),
    "relais_answers_total": (
        ("agent", "grounded"),
        (
            "SELECT s.slug, a.grounded::text, count(*) FROM answers a JOIN messages m ON m.id = a.message_id "
            "JOIN agents s ON s.id = m.agent_id GROUP BY 1, 2"
        ),
    ),
    "relais_model_tokens_total": (
        ("model", "direction"),
        (
            "SELECT model, 'prompt', coalesce(sum(tokens_prompt), 0) FROM answers GROUP BY model UNION ALL "
            "SELECT model, 'completion', coalesce(sum(tokens_completion), 0) FROM answers GROUP BY model"
        ),
    ),
    "relais_leases_expired_total": (
        (),
        "SELECT count(*) FROM job_events WHERE transition IN ('expire', 'expire_spent')",
    ),
    "relais_attempts_superseded_total": (
        (),
        "SELECT count(*) FROM job_events WHERE transition = 'superseded' AND from_state <> 'cancelled'",
    ),
    "relais_duplicate_answers_total": (
        (),
        (
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM job_events WHERE transition = 'complete' "
            "GROUP BY job_id) twice"
        ),
    ),
}
_WINDOWS_S = {"5m": 300, "1h": 3600, "24h": 86400}
_WINDOW_JOBS = """
SELECT j.kind, e.to_state, count(*) FROM job_events e JOIN every_job j ON j.id = e.job_id
WHERE e.transition <> 'superseded' AND e.to_state IN ('completed', 'failed', 'cancelled')
  AND e.at >= CASE CAST(:window AS text)
              WHEN 'today' THEN date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
              ELSE date_trunc('minute', now()) - make_interval(secs => :seconds) END
GROUP BY 1, 2"""


def expected_metrics(engine: Engine) -> Expected:
    """Every sample that the tables can answer for, but those that are 0."""
    with engine.begin() as conn:
        return {
            (name, frozenset(labels.items())): value
            for name, labels, value in [*_counts(conn), *_histograms(conn), *_windows(conn)]
            if value
        }


def _counts(conn: Connection) -> Iterator[tuple[str, dict[str, str], float]]:
    for name, (labels, sql) in _COUNTS.items():
        for *values, count in conn.execute(text(sql)):
            yield name, dict(zip(labels, values, strict=True)), float(count)


def _histograms(conn: Connection) -> Iterator[tuple[str, dict[str, str], float]]:
    for name, (labels, sql) in _DURATIONS.items():
        yield from _buckets(conn, name, labels, sql, _BOUNDS_S)
    yield from _buckets(conn, "relais_job_attempts", ("kind", "outcome"), _ATTEMPTS_MADE, _ATTEMPTS)


def _buckets(
    conn: Connection, name: str, labels: tuple[str, ...], sql: str, bounds: tuple[float, ...]
) -> Iterator[tuple[str, dict[str, str], float]]:
    sizes: dict[tuple[str, ...], list[float]] = {}
    for *values, size in conn.execute(text(sql)):
        sizes.setdefault(tuple(values), []).append(float(size))
    for values, found in sizes.items():
        series = dict(zip(labels, values, strict=True))
        for bound in bounds:
            yield f"{name}_bucket", {**series, "le": str(float(bound))}, sum(size <= bound for size in found)
        yield f"{name}_bucket", {**series, "le": "+Inf"}, len(found)
        yield f"{name}_count", series, len(found)
        yield f"{name}_sum", series, sum(found)


def _windows(conn: Connection) -> Iterator[tuple[str, dict[str, str], float]]:
    for window in (*_WINDOWS_S, "today"):
        found = conn.execute(text(_WINDOW_JOBS), {"window": window, "seconds": _WINDOWS_S.get(window, 0)})
        for kind, outcome, count in found:
            yield "relais_window_jobs", {"kind": kind, "outcome": outcome, "window": window}, float(count)
