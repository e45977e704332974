"""Builds the application from its dependencies."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Scope

from relais_api import health
from relais_api.admin import (
    agent_pausing,
    agents,
    audit,
    bulk,
    diagnosis,
    documents,
    job_life,
    jobs,
    own_key,
    queues,
    reconciling,
    silences,
)
from relais_api.chat import routes as chat
from relais_api.http.handlers import install_problem_handlers
from relais_api.http.headers import SecurityHeaders
from relais_api.http.limits import BodyLimit
from relais_api.messages import explaining, history
from relais_api.messages import routes as messages
from relais_api.page import reference
from relais_api.page import router as page
from relais_api.parts import Dependencies, Limits, Parts, assemble

_UPLOADS = "/documents"


def build_app(given: Dependencies) -> FastAPI:
    """Build the API; nothing runs or connects until the application starts."""
    parts = assemble(given)
    app = FastAPI(
        title="Relais",
        version="1",
        description="Asynchronous AI messages: none lost, none answered twice.",
        docs_url=None,  # FastAPI's page loads its scripts from a public host; ours is relais_api.page.reference
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(parts),
    )
    app.state.parts = parts
    for router in _routers():
        app.include_router(router)
    install_problem_handlers(app)
    _add_middleware(app, given)
    return app


def _routers() -> tuple[APIRouter, ...]:
    return (
        chat.router,
        messages.router,
        explaining.router,
        history.router,
        agents.router,
        agent_pausing.router,
        documents.router,
        jobs.router,
        bulk.router,
        job_life.router,
        audit.router,
        silences.router,
        own_key.router,
        queues.router,
        reconciling.router,
        diagnosis.router,
        health.router,
        reference.router,
        page,
    )


def _add_middleware(app: FastAPI, given: Dependencies) -> None:
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, limit_of=_limit_of(given.limits))
    app.add_middleware(SecurityHeaders)
    if given.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=given.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "Idempotency-Key", "Prefer", "If-None-Match", "Last-Event-ID"],
            expose_headers=["ETag", "Location", "Preference-Applied", "Retry-After"],
        )


def _limit_of(limits: Limits) -> Callable[[Scope], int]:
    def limit_of(scope: Scope) -> int:
        return limits.upload_bytes if scope["path"].endswith(_UPLOADS) else limits.body_bytes

    return limit_of


def _lifespan(parts: Parts) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await parts.start()
        yield
        await parts.stop()

    return lifespan
