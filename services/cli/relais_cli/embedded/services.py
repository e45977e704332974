"""What `up` knows of the services, whether they run as threads or as processes."""

from dataclasses import dataclass
from typing import Protocol

from relais_cli.embedded.doors import Doors
from relais_cli.embedded.servers import Addresses
from relais_cli.embedded.stopping import Ending
from relais_cli.parts.home import Home


@dataclass(frozen=True, slots=True)
class Given:
    """What the services are given; `admin_key` is the administrator's."""

    home: Home
    addresses: Addresses
    doors: Doors
    admin_key: str
    worker_threads: int


class HasThreads(Protocol):
    """Something that works in threads of this process."""

    @property
    def alive(self) -> bool:
        """Whether every thread that it needs runs."""


@dataclass(frozen=True, slots=True)
class Vital:
    """Threads without which going on makes no sense."""

    name: str
    threads: HasThreads


class Services(Protocol):
    """API, monitor, sweeper, workers."""

    def start(self, ending: Ending) -> list[Vital]:
        """Start all, telling `ending` how each is stopped; they may take a moment longer to be ready."""
