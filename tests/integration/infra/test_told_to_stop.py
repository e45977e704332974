"""The exit status of a service that is told to stop."""

import signal
from pathlib import Path

import httpx
import pytest

from relais_cli.parts.ports import free_port
from support.stack import ADMIN_KEY, Service, run_module
from support.waiting import wait_until


def _is_alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["api", "monitor"])
def test_a_server_that_is_told_to_stop_ends_with_0(
    name: str, number: signal.Signals, database_url: str, tmp_path: Path
) -> None:
    """SIGTERM and Ctrl-C are no failures: the status is 0, and the log has no traceback."""
    port = free_port()
    settings = {"RELAIS_DATABASE_URL": database_url, f"RELAIS_{name.upper()}_PORT": str(port)}
    if name == "api":
        settings |= {"RELAIS_BROKER_URL": "memory://", "RELAIS_ADMIN_KEY": ADMIN_KEY}
    module = f"relais_{name}"
    service = Service(module, settings, tmp_path / "log", run_module(module)).start()
    try:
        wait_until(lambda: _is_alive(port), 30, "it serves")
        service.signal(number)
        assert service.popen is not None
        assert service.popen.wait(20) == 0
    finally:
        service.stop()
    assert "Traceback" not in service.log.read_text()
