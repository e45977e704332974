"""The routes that show figures: for Prometheus, and as JSON."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Response

from relais.queues import Kind
from relais_monitor.exposition import Exposition
from relais_monitor.report.figures import Report, report
from relais_monitor.report.history import HistoryReport, history_report
from relais_monitor.snapshot import SnapshotReader
from relais_monitor.windows import PlotName

_NEVER_STORED: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


# The routes that read are synchronous: FastAPI runs them in threads, where they may wait for the database.
def build_figures_router(reader: SnapshotReader) -> APIRouter:
    """Make the routes that show what `reader` reads."""
    router = APIRouter()
    exposition = Exposition(reader)

    @router.get("/metrics", response_class=Response)
    def show_metrics(accept: Annotated[str, Header()] = "") -> Response:
        """Show the metrics for Prometheus; also while the database is away, which is a figure itself."""
        text, content_type = exposition.write(accept)
        return Response(text, headers={"Content-Type": content_type, **_NEVER_STORED})

    @router.get("/api/stats")
    def show_stats(response: Response) -> Report:
        """Show the same figures as JSON."""
        response.headers.update(_NEVER_STORED)
        return report(reader.read())

    @router.get("/api/history")
    def show_history(
        response: Response,
        window: Annotated[PlotName, Query(description="The last hour by the minute, or the last day by ten.")] = "1h",
        kind: Annotated[Kind | None, Query(description="Only jobs of this kind.")] = None,
    ) -> HistoryReport:
        """Show what ended in the last hour or day, step by step, for plots."""
        response.headers.update(_NEVER_STORED)
        return history_report(reader.read(), window, kind)

    return router
