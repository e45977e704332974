"""Builds the monitor's application from its dependencies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine

from relais_monitor.figures_routes import build_figures_router
from relais_monitor.report.figures import report
from relais_monitor.snapshot import SnapshotReader
from relais_monitor.status_page import PAGE_HEADERS, render_status
from relais_monitor.tally.follow import Tally


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the composition root hands over; the app closes the engine."""

    engine: Engine
    cache_s: float = 1.0
    patience_s: float = 5.0
    home: Path | None = None


def build_app(given: Dependencies) -> FastAPI:
    """Build the monitor; nothing connects until somebody asks."""
    reader = SnapshotReader(given.engine, cache_s=given.cache_s, patience_s=given.patience_s, tally=Tally(given.home))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        reader.close()
        given.engine.dispose()

    app = FastAPI(title="Relais monitor", version="1", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.include_router(build_figures_router(reader))
    app.include_router(_routes(reader))
    return app


# The routes that read are synchronous: FastAPI runs them in threads, where they may wait for the database.
def _routes(reader: SnapshotReader) -> APIRouter:
    router = APIRouter()

    @router.get("/", response_class=HTMLResponse)
    def show_status() -> HTMLResponse:
        """Show the figures to people."""
        return HTMLResponse(render_status(report(reader.read())), headers=PAGE_HEADERS)

    @router.get("/healthz")
    async def show_alive() -> dict[str, str]:
        """Say that the process is up."""
        return {"status": "ok"}

    return router
