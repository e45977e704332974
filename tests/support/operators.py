"""An operator at the command line of an API whose database a test has to itself: no worker, no sweeper."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from relais.broker import make_broker
from relais.broker.memory import MemoryBroker
from relais_api.main import make_server
from support.api import ADMIN_KEY, serving, settings
from support.up import Ended, call_relais


@dataclass(frozen=True)
class Operator:
    """Types commands; looks behind them with `engine` and `broker`."""

    url: str
    engine: Engine
    broker: MemoryBroker
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}
        # Nothing listens on port 1: a command that asks anybody else fails at once.
        return inherited | {
            "RELAIS_API_URL": self.url,
            "RELAIS_MONITOR_URL": "http://127.0.0.1:1",
            "RELAIS_ADMIN_KEY": ADMIN_KEY,
            "RELAIS_HOME": str(self.folder),
        }

    def queue(self, *arguments: str, **environment: str) -> Ended:
        """Run `relais queue …` to its end within this process."""
        return call_relais(("queue", *arguments), self.environment | environment, self.folder)

    @contextmanager
    def begun(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run `relais queue …` as a process for as long as the block runs."""
        with subprocess.Popen(
            [sys.executable, "-m", "relais_cli", "queue", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            try:
                yield running
            finally:
                running.kill()  # one that has ended takes no harm


@contextmanager
def operating(database_url: str, engine: Engine, folder: Path) -> Iterator[Operator]:
    """Run an API on the database, for an operator to talk to."""
    broker = make_broker("memory://")
    with serving(make_server(settings(database_url), broker)) as client:
        yield Operator(str(client.base_url), engine, broker, folder)
