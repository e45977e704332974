"""Putting the HTTP application together."""

import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from relais_models.api.catalog import catalog_routes
from relais_models.api.control import fault_routes
from relais_models.api.embedding import embedding_routes
from relais_models.api.generation import generation_routes
from relais_models.api.presence import Gone, PresenceMiddleware
from relais_models.contract import ModelError
from relais_models.faults.desk import FaultDesk
from relais_models.registry import Registry


def make_app(
    registry: Registry, desk: FaultDesk, stopping: asyncio.Event, *, version: str, fault_control: bool
) -> FastAPI:
    """The application; `stopping` ends the replies that are under way."""
    app = FastAPI(openapi_url=None)
    app.include_router(generation_routes(registry, desk))
    app.include_router(embedding_routes(registry, desk))
    app.include_router(catalog_routes(registry, version))
    if fault_control:
        app.include_router(fault_routes(desk))
    app.add_middleware(PresenceMiddleware, stopping=stopping)
    app.add_exception_handler(ModelError, _refuse)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(Gone, _gone)
    return app


async def _refuse(_request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, ModelError) else 500
    return JSONResponse({"error": str(error)}, status)


async def _not_served(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return JSONResponse({"error": f"{request.method} {request.url.path} is not served here"}, status)


async def _gone(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "the server is stopping"}, 503)
