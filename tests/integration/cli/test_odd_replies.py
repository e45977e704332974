"""What `relais queue` makes of replies that come without what was asked for."""

import json
import os
from pathlib import Path

import pytest

from support.scripted_server import http_reply, scripted
from support.up import Ended, call_relais

NO_FIGURES = http_reply("200 OK", json.dumps({"database_up": False, "figures": None}).encode())
A_PAGE = http_reply("200 OK", b"<h1>Welcome to nginx!</h1>", "text/html")


def _relais(url: str, folder: Path, *arguments: str) -> Ended:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}
    own = {"RELAIS_API_URL": url, "RELAIS_MONITOR_URL": url, "RELAIS_ADMIN_KEY": "k" * 16, "RELAIS_HOME": str(folder)}
    return call_relais(arguments, inherited | own, folder)


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_a_status_without_figures_fails_the_command(tmp_path: Path, form: tuple[str, ...]) -> None:
    """The monitor can't reach the database: the exit status is 1, with `--json` what it said is printed too."""
    with scripted(NO_FIGURES) as monitor:
        done = _relais(monitor.url, tmp_path, "queue", "status", *form)
    assert (done.status, "the monitor can't reach the database" in done.err) == (1, True)
    if form:
        assert done.json["figures"] is None


@pytest.mark.parametrize("command", ["status", "failed", "audit"])
def test_a_reply_that_is_no_json_is_one_line(tmp_path: Path, command: str) -> None:
    """Somebody else listens at the address: no traceback."""
    with scripted(A_PAGE) as stranger:
        done = _relais(stranger.url, tmp_path, "queue", command)
    assert done.status == 1
    assert "no JSON: nothing of Relais listens there" in done.err
    assert len(done.err.splitlines()) == 1
