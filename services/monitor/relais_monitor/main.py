"""The composition root of the monitor: reads the settings, builds the application, runs it."""

import uvicorn

from relais.serving import KEEP_ALIVE_S
from relais.settings import load_settings
from relais.stopping import end_quietly
from relais.store.engine import make_engine
from relais.telemetry import configure_logging
from relais_monitor.alerts.board import Alerting
from relais_monitor.alerts.notifying.channels import make_channels
from relais_monitor.app import Dependencies, build_app
from relais_monitor.settings import MonitorSettings

_BEYOND_POOL_S = 2.0  # for the statements themselves, after the wait for a connection
_POOL_SIZE = 5  # figures, two for the page, the lock of who notifies; one may still hang on a server that froze
_DRAIN_S = 5


def dependencies(settings: MonitorSettings) -> Dependencies:
    """Make what the application depends on."""
    timeout_s = settings.database_pool_timeout_s
    engine = make_engine(
        settings.database_url.get_secret_value(),
        pool_size=_POOL_SIZE,
        pool_timeout_s=timeout_s,
        application_name="relais-monitor",
    )
    return Dependencies(
        engine,
        cache_s=settings.monitor_cache_s,
        patience_s=timeout_s + _BEYOND_POOL_S,
        home=settings.monitor_home,
        api_url=settings.monitor_api_url,
        alerting=Alerting(settings.alert_every_s, make_channels(settings), settings.monitor_home, settings.runbook_url),
    )


def make_server(settings: MonitorSettings) -> uvicorn.Server:
    """Make the server; `serve()` runs it in the caller's loop, `run()` in one of its own."""
    config = uvicorn.Config(
        build_app(dependencies(settings)),
        host=settings.monitor_host,
        port=settings.monitor_port,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    return uvicorn.Server(config)


def main() -> None:
    """Run the monitor until it is told to stop."""
    settings = load_settings(MonitorSettings)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    end_quietly()
    make_server(settings).run()
