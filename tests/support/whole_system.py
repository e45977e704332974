"""The whole of Relais as real processes, of which a test breaks parts: API, two workers, sweeper, monitor, models."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, text

from relais.broker import make_broker
from relais.store.engine import make_engine
from relais_cli.parts.model_server import ModelServer
from relais_cli.parts.ports import free_port
from support.engines import dispose
from support.model_fixtures import ModelFaults
from support.rabbitmq_admin import RabbitMQAdmin
from support.servers import running
from support.stack import ADMIN_KEY, Service, Stack, stopping
from support.up import Ended, call_relais
from support.waiting import wait_until

PATIENCE_S = 90
_CREW = 2
_SERVICE = re.compile(r"python -m (\w+(?:\.\w+)*)")


@dataclass
class WholeSystem:
    """Breaks parts, mends them, and looks behind the pages."""

    stack: Stack
    models: ModelServer
    rabbitmq: RabbitMQAdmin
    vhost: str
    engine: Engine
    monitor_url: str
    token: str = ""
    _started: dict[str, list[Service]] = field(default_factory=dict)

    def start(self, module: str) -> Service:
        """Start one more process of a service."""
        service = self.stack.start(module)
        self._started.setdefault(module, []).append(service)
        return service

    def start_what_is_named(self, words: str) -> None:
        """Start the service that the words tell to start."""
        found = _SERVICE.search(words)
        assert found, f"no service is named in: {words}"
        self.start(found[1])

    def stop(self, module: str, *, leave: int = 0) -> None:
        """Stop the processes of a service in order, but some."""
        for service in self._living(module)[leave:]:
            service.stop()

    def kill_holders(self, attempt: int) -> None:
        """Kill the workers that run this attempt of any job, as a system without memory does."""
        holders = wait_until(lambda: self._holders(attempt), PATIENCE_S, f"attempt {attempt} runs")
        for service in self._living("relais_worker"):
            if service.popen.pid in holders:
                service.kill()

    def wipe_broker(self, *, holding: int) -> None:
        """Delete RabbitMQ's queues with what is in them, once it is so many messages' tokens.

        A token that came later would declare the queue anew, and wake the workers after all.
        """
        with closing(make_broker(self.stack.broker_url)) as broker:
            wait_until(lambda: broker.tokens_ready("ai-messages") >= holding, PATIENCE_S, "every token has arrived")
        for name in ("ai-messages", "documents"):
            self.rabbitmq.drop_queue(self.vhost, name)

    def let_a_minute_pass(self) -> None:
        """Let the sweeper's last signs of life be a minute older."""
        with self.engine.begin() as conn:
            conn.execute(text("UPDATE heartbeats SET ran_at = ran_at - interval '1 minute'"))

    def be_well(self) -> None:
        """Mend whatever is broken, and wait until the diagnosis finds nothing."""
        if not self.models.is_running:
            self.models.start()
        with self.faults() as faults:
            faults.end()
        if not self._living("relais_worker.sweeper"):
            self.start("relais_worker.sweeper")
        for _ in range(_CREW - len(self._living("relais_worker"))):
            self.start("relais_worker")
        self.relais("queue", "resume", "ai-messages", "--execute").check()
        self.relais("queue", "retry", "--error-code", "worker_lost", "--execute").check()
        wait_until(lambda: self.workers_alive() == _CREW and self.is_well(), PATIENCE_S, "all is well")

    def is_well(self) -> bool:
        """Whether the diagnosis finds nothing."""
        return self.relais("queue", "diagnose").out == "Nothing is wrong.\n"

    def workers_alive(self) -> int:
        """How many workers the monitor counts."""
        return int(httpx.get(f"{self.monitor_url}/api/overview", timeout=20).json()["capacity"]["alive"])

    @contextmanager
    def faults(self) -> Iterator[ModelFaults]:
        """The switches of the model server."""
        with httpx.Client(base_url=self.models.url, timeout=5.0) as client:
            yield ModelFaults(client)

    def post(self, count: int = 3) -> list[str]:
        """Post messages of separate sessions; their ids."""
        address = f"{self.stack.url}/c/{self.token}/message"
        replies = [httpx.post(address, json={"content": "Is anybody there?"}, timeout=20) for _ in range(count)]
        return [str(reply.raise_for_status().json()["message_id"]) for reply in replies]

    def states(self, message_ids: list[str]) -> set[str]:
        """The states that messages are in."""
        addresses = [f"{self.stack.url}/api/messages/{message_id}/status" for message_id in message_ids]
        return {str(httpx.get(address, timeout=20).json()["status"]) for address in addresses}

    def await_answers(self, message_ids: list[str]) -> None:
        """Wait until all are answered."""
        wait_until(lambda: self.states(message_ids) == {"completed"}, PATIENCE_S, "answered")

    def relais(self, *arguments: str) -> Ended:
        """Type a command."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}
        environment |= {"RELAIS_API_URL": self.stack.url, "RELAIS_ADMIN_KEY": ADMIN_KEY}
        environment |= {"RELAIS_MONITOR_URL": self.monitor_url, "RELAIS_HOME": str(self.stack.folder)}
        return call_relais(arguments, environment, self.stack.folder)

    def await_finding(self, code: str) -> dict[str, Any]:
        """Wait until `relais queue diagnose` finds this; what it says."""
        return wait_until(lambda: self._findings().get(code), PATIENCE_S, f"{code} is found")

    def explain(self, message_id: str) -> dict[str, Any]:
        """What `relais queue explain` says of a message."""
        return dict(self.relais("queue", "explain", message_id, "--json").check().json)

    def _findings(self) -> dict[str, dict[str, Any]]:
        found = self.relais("queue", "diagnose", "--json")
        assert found.status == (0 if found.json["healthy"] else 1)
        return {one["code"]: one for one in reversed(found.json["findings"])}  # the worst of each code

    def _living(self, module: str) -> list[Service]:
        return [service for service in self._started.get(module, []) if service.popen.poll() is None]

    def _holders(self, attempt: int) -> set[int]:
        """The processes that run this attempt, once no job has an earlier one before it."""
        with self.engine.begin() as conn:
            rows = conn.execute(
                text("""SELECT j.state, j.attempt, w.name FROM jobs j LEFT JOIN workers w ON w.id = j.worker_id
                        WHERE j.state IN ('pending', 'queued', 'processing')""")
            ).all()
        if not all(row.state == "processing" and row.attempt == attempt for row in rows):
            return set()
        return {int(row.name.rsplit(":", 1)[1]) for row in rows}


@contextmanager
def whole_system(
    folder: Path, database_url: str, broker_url: str, rabbitmq: RabbitMQAdmin, vhost: str
) -> Iterator[WholeSystem]:
    """Run everything until the end of the block."""
    port = free_port()
    settings = {"RELAIS_MONITOR_PORT": str(port), "RELAIS_MONITOR_CACHE_S": "0.2", "RELAIS_PROBE_S": "0.5"}
    with ExitStack() as ends:
        models = ends.enter_context(running(ModelServer(folder / "models", options=["--faults"])))
        engine = make_engine(database_url, pool_size=5, application_name="test")
        ends.callback(dispose, engine)
        stack = ends.enter_context(stopping(Stack(folder, database_url, broker_url, models.url, settings)))
        stack.settings["RELAIS_MONITOR_API_URL"] = stack.url
        system = WholeSystem(stack, models, rabbitmq, vhost, engine, f"http://127.0.0.1:{port}")
        system.start("relais_monitor")
        stack.start_api()
        system.token = stack.make_agent(retry_backoff_s=0)
        wait_until(lambda: _answers(f"{system.monitor_url}/api/overview"), PATIENCE_S, "the monitor answers")
        yield system


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False
