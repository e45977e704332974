"""The system under test: every server and every service as a real process, harmed by the nemesis, healed by `heal`."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import Engine, text

from faults import loopback
from faults.checker.evidence import GaveUp
from faults.furnishing import furnish
from faults.history import Expectation, History
from faults.register import read_holders, read_present
from faults.servers import Servers
from faults.submitting import submit
from faults.supervisor import Supervisor, ended_by_itself
from faults.timings import CAMPAIGN, DEFAULT_LEASE_S
from faults.windows import Windows
from relais.store.engine import make_engine
from relais.store.migrate import upgrade
from relais_cli.parts.ports import free_port
from support.stack import Service, Stack, run_module
from support.waiting import wait_until

_READY_TIMEOUT_S = 40.0
_KILL_TIMEOUT_S = 60.0  # a busy machine takes its time to bury a process
_SLOW = {"first_token_delay_s": 1.0, "token_delay_s": 0.02, "endpoints": ["chat", "generate"]}

_PROCESSING = "SELECT count(*) FROM jobs WHERE state = 'processing' AND kind = 'answer'"


class Rig:
    """Two workers, API, sweeper and monitor over servers of their own.

    Args:
        folder: takes data and logs; its path must be short enough for Unix sockets.
        settings: the services' settings, `CAMPAIGN` or `SHORT`.
        command: how a service is started, given its module; mutants are started otherwise.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, str] = CAMPAIGN,
        command: Callable[[str], Sequence[str]] = run_module,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.command = command
        self.lease_s = float(settings.get("RELAIS_LEASE_S", DEFAULT_LEASE_S))
        self.http = loopback.client(timeout=2.0, limits=loopback.ONCE)
        self.servers = Servers(folder)
        self.postgres, self.rabbitmq = self.servers.postgres, self.servers.rabbitmq
        self.models, self.qdrant = self.servers.models, self.servers.qdrant
        self.model_faults = self.servers.model_faults
        self.database_proxy, self.broker_proxy = self.servers.database_proxy, self.servers.broker_proxy
        self.ollama_proxy, self.qdrant_proxy = self.servers.ollama_proxy, self.servers.qdrant_proxy
        self.monitor_url = f"http://127.0.0.1:{free_port()}"
        self.history = History(folder / "history.jsonl")
        self.unconfirmed = Windows()
        self.paused = Windows()
        self.database_harmed = Windows()
        self.deaths: dict[int, float] = {}  # when a process of ours ended, by its id
        self.gave_up: list[GaveUp] = []  # those that ended by themselves, since a trial was judged
        self.agent_token = ""
        self.poison_token = ""
        self.workers: list[Service] = []

    @property
    def services(self) -> list[Service]:
        return self.stack.services

    @property
    def url(self) -> str:
        """The API's."""
        return self.stack.url

    @property
    def admin(self) -> dict[str, str]:
        """Headers of an administrator."""
        return self.stack.admin

    # Life.

    def start(self) -> None:
        """Start everything, make the agents, ingest a document; returns when all is ready."""
        self.servers.start()
        upgrade(self.postgres.url())
        self.engine: Engine = make_engine(self.postgres.url(), pool_size=12, application_name="faults")
        self.stack = Stack(
            self.folder,
            self.database_proxy.reroute(self.postgres.url()),
            self.broker_proxy.reroute(self.rabbitmq.url()),
            self.ollama_proxy.url,
            {
                "RELAIS_QDRANT_URL": self.qdrant_proxy.url,
                "RELAIS_MONITOR_PORT": self.monitor_url.rpartition(":")[2],
                **self.settings,
            },
            command=self.command,
        )
        self.supervisor = Supervisor(lambda: self.services, self._note_death)
        self.sweeper = self.stack.start_sweeper()
        self.monitor = self.stack.start("relais_monitor")
        self.workers = [self.stack.start_worker(), self.stack.start_worker()]
        self.api = self.stack.start_api()
        self.supervisor.start()
        self.agent_token, self.poison_token = furnish(self.stack)
        self.wait_ready()

    def stop(self) -> None:
        """End everything at once; nothing has to be saved."""
        if hasattr(self, "supervisor"):
            self.supervisor.stop()
            for service in filter(_lives, self.services):
                service.kill()
        if hasattr(self, "engine"):
            self.engine.dispose()
        self.servers.stop()
        self.history.close()
        self.http.close()

    def heal(self) -> None:
        """Servers up, proxies passing, models behaving, every service running, if not ready."""
        self.servers.heal()
        for service in filter(_lives, self.services):
            service.signal(signal.SIGCONT)
        self.supervisor.look()

    def wait_ready(self) -> None:
        """Wait until the API accepts and every worker process beats."""
        wait_until(self._is_ready, _READY_TIMEOUT_S, "API, monitor and workers are ready")

    # What the nemesis needs.

    def slow_down(self) -> None:
        """Let the model take about 1.5 s an answer, until `heal` or another plan."""
        self.model_faults.inject(**_SLOW)

    def submit(self, content: str, *, token: str = "", expect: Expectation | None = None) -> str:
        """Post a message of the nemesis's own, in the trial's log; return its id."""
        return submit(self.history, self.url, token or self.agent_token, content, expect=expect)

    def running_generation(self, timeout_s: float = 15.0) -> None:
        """Wait until a worker is `processing`."""
        wait_until(lambda: self.scalar(_PROCESSING), timeout_s, "a generation runs")

    def holder(self, job: UUID | str) -> Service | None:
        """The worker that holds the lease of a job."""
        name = read_holders(self.engine).get(str(job))
        return None if name is None else self.worker_called(name)

    def busy_worker(self, rng: random.Random, timeout_s: float = 15.0) -> Service:
        """A worker that holds a lease; waits for one."""
        return rng.choice(wait_until(self._busy, timeout_s, "a worker is busy"))

    def worker_called(self, name: str) -> Service | None:
        """The living worker with the name `host:pid` of the register."""
        pid = int(name.rpartition(":")[2])
        return next((worker for worker in self.workers if _lives(worker) and _pid(worker) == pid), None)

    def kill(self, service: Service, *, group: bool = True) -> None:
        """SIGKILL to a service's process group, or to the process alone; nothing when it has just died."""
        popen = service.popen  # the supervisor replaces it at once
        assert popen is not None
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(popen.pid, signal.SIGKILL)
        popen.wait(_KILL_TIMEOUT_S)

    @contextmanager
    def pausing(self, service: Service) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end, unless it died meanwhile."""
        popen = service.popen
        assert popen is not None
        with self.paused.window(popen.pid):
            service.signal(signal.SIGSTOP)
            try:
                yield
            finally:
                if popen.poll() is None:
                    os.killpg(popen.pid, signal.SIGCONT)

    @contextmanager
    def no_confirms(self) -> Iterator[None]:
        """Say that the broker can confirm nothing meanwhile: any `announce` in this window is a violation."""
        with self.unconfirmed.window():
            yield

    @contextmanager
    def no_database(self) -> Iterator[None]:
        """Say that services may lose their connections to the database, so that workers may be taken for dead."""
        with self.database_harmed.window():
            yield

    def take_gave_up(self) -> list[GaveUp]:
        """The processes that ended by themselves since this was asked last."""
        taken = list(self.gave_up)
        del self.gave_up[: len(taken)]
        return taken

    def scalar(self, statement: str, **values: object) -> object:
        """One value from the database, read directly."""
        with self.engine.begin() as conn:
            return conn.execute(text(statement), values).scalar()

    def _busy(self) -> list[Service]:
        names = sorted(set(read_holders(self.engine).values()))
        return [worker for name in names if (worker := self.worker_called(name))]

    def _is_ready(self) -> bool:
        urls = (f"{self.url}/readyz", f"{self.monitor_url}/healthz")
        try:
            answering = all(self.http.get(url).is_success for url in urls)
        except httpx.HTTPError:
            return False
        present = read_present(self.engine)
        names = {int(name.rpartition(":")[2]) for name in present}
        return answering and all(map(_lives, self.services)) and {_pid(worker) for worker in self.workers} <= names

    def _note_death(self, service: Service) -> None:
        assert service.popen is not None
        self.deaths[service.popen.pid] = time.time()
        if ended_by_itself(service.popen.returncode):
            self.gave_up.append(GaveUp(time.time(), service.module, service.popen.returncode))


def _pid(service: Service) -> int:
    assert service.popen is not None
    return service.popen.pid


def _lives(service: Service) -> bool:
    return service.popen is not None and service.popen.poll() is None
