"""The audit of the locked packages, against an advisory database of the test's own."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from relais_cli.parts.ports import free_port

SCRIPT = Path(__file__).parents[3] / "infra" / "development" / "audit-dependencies"
ADVISORY = {"id": "PYSEC-1", "summary": "Bad.", "details": "Bad.", "published": "2026-01-01T00:00:00Z"}
AFFECTED = {
    "package": {"name": "bad", "ecosystem": "PyPI"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "2.0"}]}],
}


class Advisories(BaseHTTPRequestHandler):
    """Knows one advisory, about the package `bad`."""

    def do_GET(self) -> None:
        self.send_error(405)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["package"]["name"] == "bad"
        body = json.dumps({"vulns": [{**ADVISORY, "affected": [AFFECTED]}]} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def advisories():
    """The address of a database."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def audit(url: str, folder: Path, *pins: str) -> subprocess.CompletedProcess[str]:
    """Audit a lock file with these pins."""
    lock = folder / "some.lock"
    lock.write_text("".join(f"{pin} ; python_version > '3' \\\n    --hash=sha256:{'0' * 64}\n" for pin in pins))
    command = [sys.executable, str(SCRIPT), "--osv-url", url, str(lock)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_a_known_vulnerability_fails_the_audit(advisories, tmp_path):
    """It is named with the package, its version and the release that ends it."""
    done = audit(advisories, tmp_path, "good==1.0", "bad==1.0")
    assert done.returncode == 1, done
    assert "bad 1.0: PYSEC-1, fixed by 2.0" in done.stderr


def test_packages_without_advisory_pass(advisories, tmp_path):
    """The audit says how many it looked up."""
    done = audit(advisories, tmp_path, "good==1.0", "fine==2.0")
    assert (done.returncode, done.stdout) == (0, "audit: no known vulnerability in 2 packages\n")


def test_an_audit_that_was_not_done_says_so(tmp_path):
    """Without a database in reach the audit neither fails nor claims that all is well."""
    done = audit(f"http://127.0.0.1:{free_port()}/v1/query", tmp_path, "good==1.0")
    assert done.returncode == 0
    assert done.stdout.startswith("audit: NOT DONE")
