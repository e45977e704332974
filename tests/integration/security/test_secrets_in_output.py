"""Services with marked secrets are driven into every failure that names an address; nothing they say has a mark."""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from relais_cli.parts.ports import free_port
from support.scripted_server import http_reply, scripted
from support.stack import Service, Stack, stopping
from support.waiting import wait_until

MARK = "m4rked"  # every secret contains it
SERVICES = ("relais_api", "relais_worker", "relais_worker.sweeper", "relais_monitor")
CLOSED = "http://127.0.0.1:1"


def refused_login() -> bytes:
    """What PostgreSQL answers to a wrong password."""
    fields = b'SFATAL\0C28P01\0Mpassword authentication failed for user "relais"\0\0'
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


def database_urls(port: int) -> dict[str, str]:
    """Addresses that fail, by how."""
    return {
        "nothing listens": f"postgresql://relais:{MARK}@127.0.0.1:{free_port()}/relais",
        "unknown host": f"postgresql://relais:{MARK}@no-such-host.invalid/relais",
        "wrong password": f"postgresql://relais:{MARK}@127.0.0.1:{port}/relais?sslmode=disable",
        "wrong option": f"postgresql://relais:{MARK}@127.0.0.1:{free_port()}/relais?nonsense=1",
    }


@contextmanager
def failing_stack(folder: Path, database_url: str, broker_url: str) -> Iterator[Stack]:
    """Settings full of marked secrets, logging all there is."""
    folder.mkdir()
    monitor_port = str(free_port())
    settings = {
        "RELAIS_ADMIN_KEY": f"rk_{MARK}-0123456789",
        "RELAIS_QDRANT_URL": CLOSED,
        "RELAIS_QDRANT_API_KEY": f"{MARK}-qdrant",
        "RELAIS_MONITOR_PORT": monitor_port,
        "RELAIS_LOG_LEVEL": "debug",
        "RELAIS_DATABASE_POOL_TIMEOUT_S": "1",
    }
    with stopping(Stack(folder, database_url, broker_url, CLOSED, settings)) as stack:
        yield stack


def ask_everything(stack: Stack) -> str:
    """What the services say over HTTP while they fail; empty where nobody listens."""
    said = []
    key = {"Authorization": f"Bearer rk_{MARK}-0123456789"}
    monitor = f"http://127.0.0.1:{stack.settings['RELAIS_MONITOR_PORT']}"
    for url in (
        f"{stack.url}/readyz",
        f"{stack.url}/api/agents",
        f"{stack.url}/c/x",
        f"{monitor}/metrics",
        f"{monitor}/",
    ):
        try:
            said.append(httpx.get(url, headers=key, timeout=20).text)
        except httpx.HTTPError as error:
            said.append(type(error).__name__)
    return "\n".join(said)


def command_line(service: Service) -> str:
    """The arguments of the process, which every user of the machine can read."""
    assert service.popen is not None
    try:
        return " ".join(psutil.Process(service.popen.pid).cmdline())
    except psutil.NoSuchProcess:
        return ""


def said_something(service: Service) -> bool:
    """Whether the service reported a failure, or ended over it."""
    ended = service.popen is not None and service.popen.poll() is not None
    return ended or re.search(r"error|warning|away|down|fail", service.log.read_text(), re.IGNORECASE) is not None


@pytest.mark.parametrize("failure", ["nothing listens", "unknown host", "wrong password", "wrong option"])
def test_no_service_shows_a_secret_while_its_database_fails(failure, tmp_path):
    """Logs at level debug, tracebacks, /readyz, /metrics, pages and process list name the failure, not the password."""
    with scripted(refused_login()) as login:
        url = database_urls(urlsplit(login.url).port or 0)[failure]
        with failing_stack(tmp_path / "stack", url, "memory://") as stack:
            services = [stack.start(module) for module in SERVICES]
            wait_until(lambda: ask_everything(stack).count("Error") < 5, 60, "somebody listens")
            said = ask_everything(stack)
            for service in services[1:3]:
                wait_until(lambda service=service: said_something(service), 60, service.module)
            said += "".join(command_line(service) for service in services)
        said += "".join(service.log.read_text() for service in services)
    assert "database" in said
    assert MARK not in said


@pytest.mark.rabbitmq
@pytest.mark.parametrize("failure", ["nothing listens", "wrong password"])
def test_no_service_shows_a_secret_while_its_broker_fails(failure, tmp_path, database_url, rabbitmq):
    """The same for the broker's password; the message that was being sent isn't shown either."""
    at = f"127.0.0.1:{rabbitmq.port if failure == 'wrong password' else free_port()}"
    with failing_stack(tmp_path / "stack", database_url, f"amqp://relais:{MARK}@{at}/relais") as stack:
        api = stack.start("relais_api")
        wait_until(lambda: _listens(stack), 60)
        key = {"Authorization": f"Bearer rk_{MARK}-0123456789"}
        agent = {"slug": "a", "name": "A", "chat_model": "m", "embedding_model": "m"}
        token = httpx.post(f"{stack.url}/api/agents", json=agent, headers=key, timeout=20).json()["token"]
        sent = httpx.post(
            f"{stack.url}/c/{token}/message",
            json={"content": f"my secret is {MARK}", "user_ref": MARK, "metadata": {"k": MARK}},
            headers={"Idempotency-Key": MARK},
            timeout=20,
        )
        assert sent.status_code == 202
        wait_until(lambda: "broker.down" in api.log.read_text(), 60, "the API noticed")
        others = [stack.start(module) for module in ("relais_worker", "relais_worker.sweeper")]
        wait_until(lambda: said_something(others[0]), 60, "the worker noticed")
        wait_until(lambda: '"part":"sweeper"' not in httpx.get(f"{stack.url}/readyz", timeout=20).text, 60, "a sweep")
        said = httpx.get(f"{stack.url}/readyz", timeout=20).text
        said += "".join(command_line(service) for service in (api, *others))
    said += "".join(service.log.read_text() for service in stack.services)
    assert token not in "".join(service.log.read_text() for service in stack.services)
    assert MARK not in said


def _listens(stack: Stack) -> bool:
    try:
        return httpx.get(f"{stack.url}/healthz", timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.rabbitmq
def test_an_index_that_refuses_its_key_does_not_show_it(tmp_path, database_url, amqp_url, model_server):
    """A wrong key of Qdrant fails the document with a reason for its owner; neither reason nor log has the key."""
    with scripted(http_reply("401 Unauthorized", b'{"status":{"error":"Invalid api-key"}}')) as qdrant:
        with failing_stack(tmp_path / "stack", database_url, amqp_url) as stack:
            stack.settings |= {"RELAIS_QDRANT_URL": qdrant.url, "RELAIS_OLLAMA_URL": model_server.url}
            stack.settings |= {"RELAIS_ADMIN_KEY": f"rk_{MARK}-0123456789"}
            stack.start("relais_api")
            wait_until(lambda: _listens(stack), 60)
            key = {"Authorization": f"Bearer rk_{MARK}-0123456789"}
            agent = {"slug": "a", "name": "A", "chat_model": "extractive", "embedding_model": "lexical"}
            httpx.post(f"{stack.url}/api/agents", json=agent, headers=key, timeout=20).raise_for_status()
            documents = f"{stack.url}/api/agents/a/documents"
            files = {"file": ("a.md", b"# A\n\ntext")}
            httpx.post(documents, files=files, headers=key, timeout=20).raise_for_status()
            stack.start_worker()
            stack.start_sweeper()

            def error() -> str | None:
                return httpx.get(documents, headers=key, timeout=20).json()["documents"][0]["error"]

            reason = wait_until(error, 60, "the ingestion failed")
        said = str(reason) + "".join(service.log.read_text() for service in stack.services)
    assert MARK not in said
