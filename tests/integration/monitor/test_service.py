"""The monitor as a process of its own: its settings, its server."""

import os
import subprocess
import sys

import pytest
from pydantic import SecretStr

from relais_monitor.main import make_server
from relais_monitor.settings import MonitorSettings
from support.api import serving


def test_serves_over_http(database_url):
    """The composition root makes a server that answers, and stops in order."""
    settings = MonitorSettings(_env_file=None, database_url=SecretStr(database_url), monitor_port=0)
    with serving(make_server(settings)) as http:
        reply = http.get("/metrics")
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/plain; version=")
        assert "relais_database_up 1.0" in reply.text
        assert http.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("RELAIS_DATABASE_URL", "", "RELAIS_DATABASE_URL: is required and not set"),
        ("RELAIS_MONITOR_PORT", "99999", "RELAIS_MONITOR_PORT: must be less than or equal to 65535"),
    ],
)
def test_a_wrong_setting_stops_the_boot(tmp_path, variable, value, line):
    """One line names the variable and what is wrong with it; no traceback."""
    environment = {**os.environ, "RELAIS_DATABASE_URL": "postgresql://nobody@localhost/none", variable: value}
    done = subprocess.run(
        [sys.executable, "-m", "relais_monitor"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert line in done.stderr
    assert "Traceback" not in done.stderr
