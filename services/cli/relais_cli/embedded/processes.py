"""The services as processes of their own, as in production."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from relais_cli.embedded.log_tail import LogTail
from relais_cli.embedded.servers import NamedServer
from relais_cli.embedded.service_settings import Decided, DecidedSettings, as_variables
from relais_cli.embedded.services import Given, Vital
from relais_cli.embedded.stopping import Ending
from relais_cli.embedded.supervising import Supervisor
from relais_cli.parts.process import start_tethered
from relais_cli.parts.tethered import Tethered

_SERVER_GRACE_S = 20.0
_BEYOND_DRAIN_S = 25.0  # for handing unfinished jobs back; see `relais_worker.service`


@dataclass
class ServiceProcess(Tethered):
    """`python -m` one module; may be started again."""

    module: str
    environment: Mapping[str, str]
    log: Path
    pid_file: Path
    grace_s: float

    def start(self) -> None:
        """Start; its log says when it is ready.

        Raises:
            PartError: the one of an earlier run doesn't end.
        """
        self._process = start_tethered(
            [sys.executable, "-P", "-m", self.module],
            log=self.log,
            pid_file=self.pid_file,
            env=self.environment,
            grace_s=self.grace_s,
            cwd=Path.cwd(),  # where it finds the `.env` that we read
        )


@dataclass(frozen=True)
class Processes:
    """API, monitor, sweeper and workers as children; one that ends is started again."""

    given: Given
    workers: int
    drain_s: float
    supervisor: Supervisor
    tail: LogTail

    def start(self, ending: Ending) -> list[Vital]:
        """Start all.

        Raises:
            PartError: one of an earlier run doesn't end.
        """
        self.given.doors.close()  # the children open them
        for named in self._services():
            self.tail.follow(named.name, named.log)
            named.server.start()
            ending.add(named.name, named.server.stop, named.server.kill)
            self.supervisor.add(named)
        self.tail.start()
        return []

    def _services(self) -> Iterator[NamedServer]:
        decided = DecidedSettings.of(self.given)
        yield self._service("api", "relais_api", decided.api)
        yield self._service("monitor", "relais_monitor", decided.monitor)
        yield self._service("sweeper", "relais_worker.sweeper", decided.sweeper)
        for number in range(1, self.workers + 1):
            grace_s = self.drain_s + _BEYOND_DRAIN_S
            yield self._service(f"worker-{number}", "relais_worker", decided.worker, grace_s)

    def _service(self, name: str, module: str, decided: Decided, grace_s: float = _SERVER_GRACE_S) -> NamedServer:
        logs = self.given.home.logs
        process = ServiceProcess(
            module,
            environment=os.environ | as_variables(decided),
            log=logs / f"{name}.log",
            pid_file=logs / f"{name}.pid",
            grace_s=grace_s,
        )
        return NamedServer(name, process, process.log)
