"""A watch of alerts over a real database, with a clock that the test moves and a real receiver."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from relais.store.engine import make_engine
from relais_monitor.alerts.board import Alerting
from relais_monitor.alerts.instance import Phase
from relais_monitor.alerts.notifying.webhook import WebhookChannel
from relais_monitor.alerts.watch import AlertWatch
from relais_monitor.snapshot import SnapshotReader
from support.engines import dispose
from support.webhook_receiver import WebhookReceiver, receiving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"  # noqa: S105 -- of this test alone


@dataclass
class Clock:
    """The monitor's clock."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Watched:
    """A watch, looked with by hand: its couriers run, its own thread doesn't."""

    watch: AlertWatch
    clock: Clock
    reader: SnapshotReader

    def look(self, *, after_s: float = 0.0) -> None:
        self.clock.now += after_s
        self.watch.look()

    def phases(self) -> dict[str, Phase]:
        return {alert.rule: alert.phase for alert in self.watch.board.alerts.values()}


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    """Who is told."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def make_watch(receiver: WebhookReceiver) -> Iterator[Callable[..., Watched]]:
    """Make watches of the databases given; each is ended at the end."""
    made: list[Watched] = []

    def make(url: str, home: Path | None = None, clock: Clock | None = None) -> Watched:
        engine = make_engine(url, pool_size=3, pool_timeout_s=1, application_name="relais-monitor")
        reader = SnapshotReader(engine, cache_s=0)
        channel = WebhookChannel(receiver.url, SECRET, "docs/runbook.md")
        clock = clock or Clock()
        watch = AlertWatch(reader.read, engine, Alerting(channels=(channel,), home=home), clock=clock, first_wait_s=0.1)
        watch._desk.start()
        made.append(Watched(watch, clock, reader))
        return made[-1]

    yield make
    for watched in made:
        end(watched)


def end(watched: Watched) -> None:
    """End a watch as its process would; once is enough, twice does no harm."""
    watched.watch._desk.stop()
    watched.reader.close()
    dispose(watched.watch._engine)
