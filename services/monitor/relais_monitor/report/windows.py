"""What happened over the last minutes, hours and today, as JSON."""

from datetime import UTC, datetime

from pydantic import BaseModel

from relais.queues import Kind
from relais_monitor.windows import ModelUse, Outcomes, Window

_MINUTE_S = 60.0


class OutcomeFigures(BaseModel):
    """Jobs that ended; null is what nothing can be said of. `failure_ratio` leaves cancelled jobs out."""

    finished: int
    completed: int
    failed: int
    cancelled: int
    per_minute: float | None
    failure_ratio: float | None
    mean_wait_s: float | None
    wait_p50_s: float | None
    wait_p95_s: float | None
    mean_processing_s: float | None


class ModelFigures(BaseModel):
    """What one model did; `tokens_per_second` are those written per second of generation."""

    answers: int
    tokens_prompt: int
    tokens_completion: int
    tokens_per_second: float | None


class WindowFigures(OutcomeFigures):
    """A window of whole minutes and the current one so far."""

    since: datetime
    seconds: float
    tokens_prompt: int
    tokens_completion: int
    by_kind: dict[Kind, OutcomeFigures]
    models: dict[str, ModelFigures]


def window_figures(window: Window) -> WindowFigures:
    """Put a window into JSON."""
    return WindowFigures(
        **outcome_figures(window.outcomes, window.seconds).model_dump(),
        since=datetime.fromtimestamp(window.since, UTC),
        seconds=window.seconds,
        tokens_prompt=sum(use.tokens_prompt for use in window.models.values()),
        tokens_completion=sum(use.tokens_completion for use in window.models.values()),
        by_kind={kind: outcome_figures(outcomes, window.seconds) for kind, outcomes in window.by_kind.items()},
        models={model: _model_figures(use) for model, use in window.models.items()},
    )


def outcome_figures(outcomes: Outcomes, seconds: float) -> OutcomeFigures:
    """Put the outcomes within so many seconds into JSON."""
    return OutcomeFigures(
        finished=outcomes.finished,
        completed=outcomes.completed,
        failed=outcomes.failed,
        cancelled=outcomes.cancelled,
        per_minute=outcomes.finished / seconds * _MINUTE_S if seconds else None,
        failure_ratio=outcomes.failure_ratio,
        mean_wait_s=outcomes.mean_wait_s,
        wait_p50_s=outcomes.wait_p50_s,
        wait_p95_s=outcomes.wait_p95_s,
        mean_processing_s=outcomes.mean_processing_s,
    )


def _model_figures(use: ModelUse) -> ModelFigures:
    return ModelFigures(
        answers=use.answers,
        tokens_prompt=use.tokens_prompt,
        tokens_completion=use.tokens_completion,
        tokens_per_second=use.tokens_per_second,
    )
