"""The running project with an agent, as the workload, the checker and the trials see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from sqlalchemy import Engine

from containers.load import Load
from containers.project import Project
from containers.report import Row
from faults.history import History
from support.model_fixtures import ModelFaults

_SERVICES = ("postgres", "rabbitmq", "qdrant", "ollama", "api", "rag-worker", "sweeper", "monitor")


@dataclass
class System:
    """Has what `faults.workload` asks of a rig: `url`, `history`, `agent_token`."""

    project: Project
    engine: Engine
    agent_token: str
    history: History
    rows: list[Row] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.project.url

    def load(self) -> Load:
        """Clients of this system."""
        return Load(self.url, self.agent_token, self.history)

    @contextmanager
    def model(self, **plan: object) -> Iterator[None]:
        """The model server behaves as told for a while."""
        with self._model_faults() as faults:
            faults.inject(**plan)
        try:
            yield
        finally:
            with self._model_faults() as faults:
                faults.end()

    @contextmanager
    def _model_faults(self) -> Iterator[ModelFaults]:
        """Ask for the address each time: it may have changed with a restart."""
        address = self.project.container("ollama").address(self.project.network("data"))
        with httpx.Client(base_url=f"http://{address}:11434", timeout=5) as client:
            yield ModelFaults(client)

    def is_whole(self) -> bool:
        """Whether every container that should run does and is healthy."""
        containers = [container for service in _SERVICES for container in self.project.containers(service)]
        states = [container.facts["State"] for container in containers]
        return self.project.is_ready() and all(
            state["Status"] == "running" and state.get("Health", {}).get("Status", "") in ("", "healthy")
            for state in states
        )
