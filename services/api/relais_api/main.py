"""The composition root of the API: reads the settings, builds the application, runs it."""

import socket

import uvicorn
from fastapi import FastAPI

from relais.broker.connect import AnyBroker, make_broker
from relais.broker.publisher import Publisher
from relais.serving import KEEP_ALIVE_S
from relais.settings import load_settings
from relais.stopping import end_quietly
from relais.store.api_keys import hash_key
from relais.store.engine import make_async_engine
from relais.telemetry import configure_logging
from relais_api.app import build_app
from relais_api.http.protocol import CarefulHttp
from relais_api.parts import Dependencies, Limits, Parts
from relais_api.settings import ApiSettings

_BEYOND_POOL_S = 2.0  # for the statement itself, after the wait for a connection
# A connection that never answers is told from a slow caller before that one is let go: the pool then replaces all.
_BEFORE_PATIENCE_S = 0.5


class ApiServer(uvicorn.Server):
    """Uvicorn that first ends event streams and long polls, which would outlast any graceful shutdown."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let every waiting client go, then shut down as usual."""
        application = self.config.app
        if isinstance(application, FastAPI):
            parts: Parts = application.state.parts
            parts.feed.close()
        await super().shutdown(sockets)


def dependencies(settings: ApiSettings, broker: AnyBroker) -> Dependencies:
    """Make what the application depends on; `broker` may be shared with a worker in the same process."""
    timeout_s = settings.database_pool_timeout_s
    patience_s = timeout_s + _BEYOND_POOL_S
    key = settings.admin_key
    return Dependencies(
        engine=make_async_engine(
            settings.database_url.get_secret_value(),
            pool_size=settings.api_pool_size,
            pool_timeout_s=timeout_s,
            application_name="relais-api",
            answer_limit_s=patience_s - _BEFORE_PATIENCE_S,
        ),
        publisher=Publisher(broker),
        admin_key_sha256=hash_key(key.get_secret_value()) if key is not None else None,
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            document_bytes=settings.max_document_bytes,
            upload_bytes=settings.max_upload_bytes,
            waiting=settings.max_waiting,
        ),
        patience_s=patience_s,
        publish_budget_s=settings.api_publish_budget_s,
        cors_origins=tuple(origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()),
    )


def make_server(settings: ApiSettings, broker: AnyBroker) -> ApiServer:
    """Make the server; `serve()` runs it in the caller's loop, `run()` in one of its own."""
    config = uvicorn.Config(
        build_app(dependencies(settings, broker)),
        host=settings.api_host,
        port=settings.api_port,
        http=CarefulHttp,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.api_drain_s,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    return ApiServer(config)


def main() -> None:
    """Run the API until it is told to stop."""
    settings = load_settings(ApiSettings)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    end_quietly()
    make_server(settings, make_broker(settings.broker_url.get_secret_value())).run()
