"""Builds the monitor's application from its dependencies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Engine

from relais_monitor.alerts.board import Alerting
from relais_monitor.alerts.routes import build_alerts_router
from relais_monitor.alerts.watch import AlertWatch
from relais_monitor.figures_routes import build_figures_router
from relais_monitor.operate.forwarder import Forwarder
from relais_monitor.operate.routes import build_operate_router
from relais_monitor.page.assets import router as assets_router
from relais_monitor.page.routes import router as page_router
from relais_monitor.problems import install_problem_handlers
from relais_monitor.reading.readings import Readings
from relais_monitor.reading.routes import build_reading_router
from relais_monitor.snapshot import SnapshotReader
from relais_monitor.tally.follow import Tally


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the composition root hands over; the app closes the engine."""

    engine: Engine
    cache_s: float = 1.0
    patience_s: float = 5.0
    home: Path | None = None
    api_url: str = "http://127.0.0.1:8000"
    alerting: Alerting = field(default_factory=Alerting)


def build_app(given: Dependencies) -> FastAPI:
    """Build the monitor; nothing connects until somebody asks."""
    reader = SnapshotReader(given.engine, cache_s=given.cache_s, patience_s=given.patience_s, tally=Tally(given.home))
    readings = Readings(given.engine, cache_s=given.cache_s, patience_s=given.patience_s)
    forwarder = Forwarder(given.api_url)
    watch = AlertWatch(reader.read, given.engine, given.alerting)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        watch.start()
        yield
        await asyncio.to_thread(watch.stop)
        await forwarder.aclose()
        readings.close()
        reader.close()
        given.engine.dispose()

    app = FastAPI(title="Relais monitor", version="1", docs_url=None, redoc_url=None, lifespan=lifespan)
    install_problem_handlers(app)
    app.include_router(build_figures_router(reader))
    app.include_router(build_alerts_router(watch, given.alerting.runbook))
    app.include_router(build_reading_router(readings))
    app.include_router(build_operate_router(forwarder))
    for router in (page_router, assets_router):
        app.include_router(router)
    app.get("/healthz")(show_alive)
    return app


async def show_alive() -> dict[str, str]:
    """Say that the process is up."""
    return {"status": "ok"}
