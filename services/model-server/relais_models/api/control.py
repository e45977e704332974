"""`/faults`: changing what goes wrong while the server runs; served with `--faults` only."""

from typing import Any

from fastapi import APIRouter, Request

from relais_models.api.wire import read_call
from relais_models.faults.desk import FaultDesk
from relais_models.faults.plan import NO_FAULTS, FaultPlan


def fault_routes(desk: FaultDesk) -> APIRouter:
    """`GET` reads the plan with what happened so far, `PUT` replaces it, `DELETE` ends all faults."""
    router = APIRouter()

    @router.get("/faults")
    async def read() -> dict[str, Any]:
        return {"faults": desk.plan.model_dump(mode="json"), "activity": desk.activity()}

    @router.put("/faults")
    async def replace(request: Request) -> dict[str, Any]:
        desk.replace(await read_call(request, FaultPlan))
        return await read()

    @router.delete("/faults")
    async def clear() -> dict[str, Any]:
        desk.replace(NO_FAULTS)
        return await read()

    return router
