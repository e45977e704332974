"""Builds the monitor's application from its dependencies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, FastAPI, Header, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine

from relais_monitor.exposition import Exposition
from relais_monitor.report import Report, report
from relais_monitor.snapshot import SnapshotReader
from relais_monitor.status_page import PAGE_HEADERS, render_status

_NEVER_STORED: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the composition root hands over; the app closes the engine."""

    engine: Engine
    cache_s: float = 1.0
    patience_s: float = 5.0


def build_app(given: Dependencies) -> FastAPI:
    """Build the monitor; nothing connects until somebody asks."""
    reader = SnapshotReader(given.engine, cache_s=given.cache_s, patience_s=given.patience_s)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        reader.close()
        given.engine.dispose()

    app = FastAPI(title="Relais monitor", version="1", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.include_router(_routes(reader, Exposition(reader)))
    return app


# The routes that read are synchronous: FastAPI runs them in threads, where they may wait for the database.
def _routes(reader: SnapshotReader, exposition: Exposition) -> APIRouter:
    router = APIRouter()

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

    @router.get("/", response_class=HTMLResponse)
    def show_status() -> HTMLResponse:
        """Show the figures to people."""
        return HTMLResponse(render_status(report(reader.read())), headers=PAGE_HEADERS)

    @router.get("/healthz")
    async def show_alive() -> dict[str, str]:
        """Say that the process is up."""
        return {"status": "ok"}

    return router
