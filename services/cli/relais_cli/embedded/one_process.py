"""The services as threads of this process; in memory they share one broker."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from relais.broker import AnyBroker, make_broker
from relais.errors import PermanentError
from relais_api.main import make_server as make_api
from relais_cli.embedded.doors import Doors
from relais_cli.embedded.servers import MEMORY
from relais_cli.embedded.service_settings import ServiceSettings
from relais_cli.embedded.services import Vital
from relais_cli.embedded.stopping import Ending
from relais_cli.embedded.threads import ServerThread
from relais_cli.errors import CliError
from relais_monitor.main import make_server as make_monitor
from relais_worker.actors import actor_middleware
from relais_worker.main import build_worker
from relais_worker.sweeper.main import build_sweeper


class _Service(Protocol):
    def start(self) -> None:
        """Start."""

    def stop(self) -> None:
        """Stop in order."""

    @property
    def alive(self) -> bool:
        """Whether every thread that it needs runs."""


@dataclass(frozen=True, slots=True)
class OneProcess:
    """API, monitor, sweeper and one worker with several threads."""

    settings: ServiceSettings
    doors: Doors

    def start(self, ending: Ending) -> list[Vital]:
        """Start all.

        Raises:
            CliError: one of them can't start.
            sqlalchemy.exc.DBAPIError: the database is away.
        """
        vitals = []
        for name, service in self._build():
            service.start()
            ending.add(name, service.stop)
            vitals.append(Vital(name, service))
        return vitals

    def _build(self) -> Iterator[tuple[str, _Service]]:
        settings, broker = self.settings, self._shared_broker()
        api = make_api(settings.api, broker or make_broker(settings.api.broker_url.get_secret_value()))
        yield "API", ServerThread("API", api, self.doors.api.listener)
        yield "Monitor", ServerThread("monitor", make_monitor(settings.monitor), self.doors.monitor.listener)
        yield "Sweeper", build_sweeper(settings.sweeper, broker)
        # The worker comes last, so that it stops first, while the API still tells how its jobs end.
        try:
            worker = build_worker(settings.worker, broker)
        except PermanentError as error:
            raise CliError(error.message) from None
        yield "Worker", worker

    def _shared_broker(self) -> AnyBroker | None:
        in_memory = self.settings.api.broker_url.get_secret_value() == MEMORY
        return make_broker(MEMORY, actor_middleware()) if in_memory else None
