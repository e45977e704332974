"""The services of Relais as real processes, to be killed at will."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from relais_cli.parts.ports import free_port
from support.waiting import wait_until

ADMIN_KEY = "stack-admin-key-0123456789"
_STOP_TIMEOUT_S = 60


def run_module(module: str) -> list[str]:
    """The command of a service."""
    return [sys.executable, "-m", module]


@dataclass
class Service:
    """One process, in a process group of its own; its log is a file."""

    module: str
    env: Mapping[str, str]
    log: Path
    command: Sequence[str]
    popen: subprocess.Popen[bytes] | None = None

    def start(self) -> "Service":
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                self.command, env=dict(self.env), stdout=log, stderr=log, start_new_session=True
            )
        return self

    def signal(self, number: int) -> None:
        assert self.popen is not None
        os.killpg(self.popen.pid, number)

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        self.signal(signal.SIGKILL)
        assert self.popen is not None
        self.popen.wait(_STOP_TIMEOUT_S)

    def stop(self) -> int | None:
        """SIGTERM; the exit status."""
        if self.popen is None:
            return None
        if self.popen.poll() is None:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)
        try:
            return self.popen.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@dataclass
class Stack:
    """Everything but the servers: start the services that a test needs."""

    folder: Path
    database_url: str
    broker_url: str
    ollama_url: str
    settings: dict[str, str] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    command: Callable[[str], Sequence[str]] = run_module

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {ADMIN_KEY}"}

    def environment(self, number: int) -> dict[str, str]:
        """The settings of one service; each worker has an empty index of its own: there is no Qdrant server."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}
        return inherited | {
            "RELAIS_DATABASE_URL": self.database_url,
            "RELAIS_BROKER_URL": self.broker_url,
            "RELAIS_OLLAMA_URL": self.ollama_url,
            "RELAIS_QDRANT_URL": str(self.folder / f"qdrant-{number}"),
            "RELAIS_API_PORT": str(self.port),
            "RELAIS_ADMIN_KEY": ADMIN_KEY,
            "RELAIS_DRAIN_TIMEOUT_S": "2",
            **self.settings,
        }

    def start(self, module: str) -> Service:
        """Start one more process of a service."""
        number = len(self.services)
        log = self.folder / f"{number}-{module}.log"
        service = Service(module, self.environment(number), log, self.command(module))
        self.services.append(service)
        return service.start()

    def start_api(self) -> Service:
        """Start the API and wait until it is ready."""
        service = self.start("relais_api")
        wait_until(self._ready, 30, "the API is ready")
        return service

    def start_worker(self) -> Service:
        return self.start("relais_worker")

    def start_sweeper(self) -> Service:
        return self.start("relais_worker.sweeper")

    def logs(self) -> str:
        """What all services wrote, for a failing test."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self.folder.glob("*.log")))

    def make_agent(self, **fields: object) -> str:
        """Create an agent that answers without documents; return its token."""
        models = {"chat_model": "extractive", "embedding_model": "lexical"}
        policy = {"allow_ungrounded": True, "retry_backoff_s": 1}
        body = {"slug": "agent", "name": "Agent", **models, **policy, **fields}
        made = httpx.post(f"{self.url}/api/agents", json=body, headers=self.admin, timeout=10)
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def stopping(stack: Stack) -> Iterator[Stack]:
    """Stop every service at the end, whatever happened."""
    with ExitStack() as ends:
        ends.callback(lambda: [service.stop() for service in reversed(stack.services)])
        yield stack
