"""The last hour or day step by step, as JSON for plots."""

from datetime import UTC, datetime

from pydantic import BaseModel

from relais.queues import Kind
from relais_monitor.report.windows import OutcomeFigures, outcome_figures
from relais_monitor.snapshot import Snapshot
from relais_monitor.windows import PLOT_STEPS_S, PlotName, Point


class PointFigures(OutcomeFigures):
    """One step, which begins at `at`."""

    at: datetime
    tokens_prompt: int
    tokens_completion: int


class HistoryReport(BaseModel):
    """Steps of `step_s` seconds, oldest first and without holes; the last isn't over yet.

    `points` is null while the database is away or the monitor still reads a long ledger after its start.
    """

    database_up: bool
    window: PlotName
    step_s: int
    points: list[PointFigures] | None


def history_report(snapshot: Snapshot | None, window: PlotName, kind: Kind | None) -> HistoryReport:
    """Put a plot into a report; of one kind of job, or of all."""
    history = None if snapshot is None else snapshot.history
    step_s = PLOT_STEPS_S[window]
    points = None if history is None else [_point(point, step_s) for point in history.plot(window, kind)]
    return HistoryReport(database_up=snapshot is not None, window=window, step_s=step_s, points=points)


def _point(point: Point, step_s: int) -> PointFigures:
    return PointFigures(
        **outcome_figures(point.outcomes, step_s).model_dump(),
        at=datetime.fromtimestamp(point.at, UTC),
        tokens_prompt=point.tokens_prompt,
        tokens_completion=point.tokens_completion,
    )
