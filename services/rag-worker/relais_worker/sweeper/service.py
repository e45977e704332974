"""The life of a sweeper: repairs and announcements side by side, so that a hanging broker delays no repair."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Engine

from relais.broker import AnyBroker, Publisher
from relais_worker.settings import SweeperSettings
from relais_worker.sweeper.announce import Announce
from relais_worker.sweeper.loop import Loop
from relais_worker.sweeper.prune import Retention
from relais_worker.sweeper.repair import Repair
from relais_worker.watchdog import Watchdog, Watched

# Above what the time limits of the database and of the broker add up to in one round.
_LONGEST_ROUND_S = 180.0


@dataclass(frozen=True)
class SweeperService:
    """A running sweeper; who built it disposes of `engine`, which others may share."""

    engine: Engine
    repair: Loop
    announce: Loop
    publisher: Publisher

    @classmethod
    def build(cls, engine: Engine, broker: AnyBroker, settings: SweeperSettings) -> "SweeperService":
        """Put a sweeper together; nothing starts yet."""
        publisher = Publisher(broker)
        announce = Loop("announce", Announce(engine, broker, publisher), every_s=settings.sweep_s)
        repair = Repair(
            engine,
            heartbeat_s=settings.heartbeat_s,
            lease_s=settings.lease_s,
            retention=Retention.of(settings),
            on_given_back=announce.wake,
        )
        return cls(
            engine=engine,
            repair=Loop("repair", repair, every_s=settings.sweep_s),
            announce=announce,
            publisher=publisher,
        )

    @cached_property
    def _watchdog(self) -> Watchdog:
        return Watchdog(self._threads, tuple, grace_s=_LONGEST_ROUND_S)

    @property
    def alive(self) -> bool:
        """Whether every thread runs and none hangs; one that doesn't must end the process. The log says which."""
        return self._watchdog.sees_all_well()

    @property
    def left_nothing(self) -> bool:
        """A sweeper holds nothing that it could leave behind."""
        return True

    @property
    def deaf_limit_s(self) -> float:
        """Seconds without a look at `alive` after which the process must be beyond help."""
        return _LONGEST_ROUND_S

    @property
    def stop_limit_s(self) -> float:
        """Seconds after which a stop that goes on must have hung."""
        return 60.0

    def start(self) -> None:
        """Start both loops.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away; may be called again.
        """
        with self.engine.connect():
            pass
        self.publisher.start()
        self.repair.start()
        self.announce.start()

    def stop(self) -> None:
        """End both loops after the round that runs now."""
        self.announce.stop()
        self.repair.stop()
        self.publisher.stop()

    def _threads(self) -> Iterator[Watched]:
        yield self.repair.watched(_LONGEST_ROUND_S)
        yield self.announce.watched(_LONGEST_ROUND_S)
        yield Watched("publisher", self.publisher.alive, self.publisher.busy_s, _LONGEST_ROUND_S)
