"""The settings of each service: the environment's, except for what this run decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from relais.settings import PREFIX, load_settings
from relais_api.settings import ApiSettings
from relais_cli.embedded.services import Given
from relais_monitor.settings import MonitorSettings
from relais_worker.settings import SweeperSettings, WorkerSettings

Decided = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DecidedSettings:
    """What this run decides, by the names of the settings' fields; holds secrets."""

    api: Decided
    monitor: Decided
    sweeper: Decided
    worker: Decided

    @classmethod
    def of(cls, given: Given) -> Self:
        """Write down what was decided."""
        addresses, doors = given.addresses, given.doors
        where = {"database_url": addresses.database_url, "broker_url": addresses.broker_url}
        return cls(
            api=where | {"admin_key": given.admin_key, "api_port": str(doors.api.port)},
            monitor=where
            | {
                "monitor_port": str(doors.monitor.port),
                "monitor_api_url": doors.api.url,
                "monitor_home": str(given.home.root / "monitor"),
            },
            sweeper=where,
            worker=where
            | {
                "qdrant_url": addresses.qdrant_url,
                "ollama_url": addresses.ollama_url,
                "worker_threads": str(given.worker_threads),
            },
        )


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Every service's settings, checked."""

    api: ApiSettings
    monitor: MonitorSettings
    sweeper: SweeperSettings
    worker: WorkerSettings

    @classmethod
    def read(cls, decided: DecidedSettings) -> Self:
        """Read them; a wrong one ends the process with status 2 before anything started."""
        return cls(
            api=load_settings(lambda: ApiSettings(**decided.api)),
            monitor=load_settings(lambda: MonitorSettings(**decided.monitor)),
            sweeper=load_settings(lambda: SweeperSettings(**decided.sweeper)),
            worker=load_settings(lambda: WorkerSettings(**decided.worker)),
        )


def as_variables(decided: Decided) -> dict[str, str]:
    """The same for a child's environment."""
    return {PREFIX + name.upper(): value for name, value in decided.items()}
