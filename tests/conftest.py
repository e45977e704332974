"""The fixtures that all tests share."""

import logging
from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["support.postgres_fixtures", "support.rabbitmq_fixtures", "support.model_fixtures"]


@pytest.fixture(autouse=True)
def _logging_as_found() -> Iterator[None]:
    """Takes back what a test configured of logging, by running a command in this process, for example.

    Else later tests would find their lines elsewhere, and write into a captured stream that is closed.
    """
    yield
    root = logging.getLogger()
    for handler in list(root.handlers):  # pytest's own are there too, and stay
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(handler)
    root.setLevel(logging.WARNING)
    structlog.reset_defaults()
