"""Logging as events with fields: `job.settled attempt=2 outcome=completed`."""

import logging
import sys
from typing import Any

import structlog


def configure_logging(
    *, log_format: str = "console", level: str = "info", handler: logging.Handler | None = None
) -> None:
    """Send structlog's and the standard library's records to one place in one format.

    Args:
        log_format: `console` for people, `json` for machines.
        level: least severe level that is written, in lower case.
        handler: where they go; to stderr unless given.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=handler is None and sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([structlog.processors.format_exc_info] if log_format == "json" else []),
            renderer,
        ],
    )
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # pika reports a lost connection in several tracebacks; our adapters say it once, in a line.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    for chatty in ("httpx", "httpcore", "dramatiq", "uvicorn.access", "alembic", "alembic.runtime.plugins"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
