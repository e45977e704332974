"""The composition root of the sweeper, the only reader of its settings; loads nothing of the pipelines."""

from relais.broker import AnyBroker, make_broker
from relais.settings import load_settings
from relais.store.engine import make_engine
from relais.telemetry import configure_logging
from relais_worker.running import run_until_told
from relais_worker.settings import SweeperSettings
from relais_worker.sweeper.service import SweeperService


def build_sweeper(settings: SweeperSettings, broker: AnyBroker | None = None) -> SweeperService:
    """Put a sweeper together; nothing starts yet. One `broker` serves a worker too if it is in memory."""
    broker = broker or make_broker(settings.broker_url.get_secret_value())
    engine = make_engine(
        settings.database_url.get_secret_value(),
        pool_size=2,  # one per loop
        pool_timeout_s=settings.database_pool_timeout_s,
        application_name="relais-sweeper",
    )
    return SweeperService.build(engine, broker, settings)


def run_sweeper() -> int:
    """Run a sweeper until SIGTERM or SIGINT; return the exit status."""
    settings = load_settings(SweeperSettings)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    return run_until_told(build_sweeper(settings))
