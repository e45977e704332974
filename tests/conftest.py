"""The fixtures that all tests share."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from relais_cli.parts import ports

pytest_plugins = ["support.postgres_fixtures", "support.rabbitmq_fixtures", "support.model_fixtures"]

hypothesis.settings.register_profile("relais", deadline=None)  # of an example: machines are busy
hypothesis.settings.load_profile("relais")

# A script that says `make test &` has Ctrl-C ignored, and our children would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _take_own_ports(process: str, processes: int) -> None:
    """Give each process of pytest-xdist ports of its own: one may stay unused for seconds after it was chosen."""
    number, width = int(process.removeprefix("gw")), (ports.LAST - ports.FIRST) // processes
    ports.FIRST, ports.LAST = ports.FIRST + number * width, ports.FIRST + (number + 1) * width


if process := os.environ.get("PYTEST_XDIST_WORKER"):
    _take_own_ports(process, int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))


# Files that wait for whole systems first: one that began last would leave the other processes of pytest idle.
_LONGEST_FIRST = ("containers", "e2e", "faults", "fuzz", "integration", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders with the longest tests first; within a folder the order stays the random one."""
    items.sort(key=lambda item: _LONGEST_FIRST.index(item.path.relative_to(Path(__file__).parent).parts[0]))


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
