"""The life of a sweeper: repairs and announcements side by side, so that a hanging broker delays no repair."""

from dataclasses import dataclass

from sqlalchemy import Engine

from relais.broker import AnyBroker, Publisher
from relais_worker.settings import SweeperSettings
from relais_worker.sweeper.announce import Announce
from relais_worker.sweeper.loop import Loop
from relais_worker.sweeper.repair import Repair


@dataclass(frozen=True, slots=True)
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
        repair = Repair(
            engine,
            heartbeat_s=settings.heartbeat_s,
            lease_s=settings.lease_s,
            retention_days=settings.retention_days,
            ledger_retention_days=settings.ledger_retention_days,
        )
        return cls(
            engine=engine,
            repair=Loop("repair", repair, every_s=settings.sweep_s),
            announce=Loop("announce", Announce(engine, broker, publisher), every_s=settings.sweep_s),
            publisher=publisher,
        )

    @property
    def alive(self) -> bool:
        """Whether both loops run; one that ended by a defect must end the process."""
        return self.repair.alive and self.announce.alive

    def start(self) -> None:
        """Start both loops."""
        self.publisher.start()
        self.repair.start()
        self.announce.start()

    def stop(self) -> None:
        """End both loops after the round that runs now."""
        self.announce.stop()
        self.repair.stop()
        self.publisher.stop()
