"""The address of the alerts."""

from fastapi import APIRouter, Response

from relais_monitor.alerts.report import Alerts, alerts_report
from relais_monitor.alerts.watch import AlertWatch


def build_alerts_router(watch: AlertWatch, runbook: str) -> APIRouter:
    """Make the route over a watch."""
    router = APIRouter()

    @router.get("/api/alerts")
    async def show_alerts(response: Response) -> Alerts:
        """Show every rule with its state and evidence, what fires first; reads nothing anew."""
        response.headers.update({"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
        return alerts_report(watch, runbook)

    return router
