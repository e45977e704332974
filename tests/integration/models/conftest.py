"""Model servers as real processes, spoken to over HTTP."""

import json
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection

import httpx
import ollama
import pytest

_READY = re.compile(r"relais-models: ready at (http://127\.0\.0\.1:\d+) \(models: (.+)\)\n")
_START = [sys.executable, "-m", "relais_models"]


class ModelProcess:
    """One `python -m relais_models`, tethered to us by its standard input."""

    def __init__(self, *options):
        self.popen = subprocess.Popen(
            [*_START, "--port", "0", "--exit-with-parent", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.ready_line = self.popen.stdout.readline()
        match = _READY.fullmatch(self.ready_line)
        assert match, self.popen.communicate(timeout=10)
        self.url, self.models = match[1], match[2].split(", ")

    def end(self, signal_number=signal.SIGTERM):
        """Send a signal; gives the exit status and what came on stdout and stderr after the first line."""
        self.popen.send_signal(signal_number)
        output, errors = self.popen.communicate(timeout=15)
        return self.popen.returncode, output, errors

    def close(self):
        """End it if it still runs, and close our ends of its pipes."""
        if self.popen.poll() is None:
            self.end()
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            pipe.close()

    def inject(self, **faults):
        """Put faults in force; none ends them."""
        self._call("PUT", faults)

    def activity(self, endpoint):
        """How many requests came, were finished, broke off, are running."""
        return self._call("GET")["activity"][endpoint]

    def _call(self, method, body=None):
        """Speak to `/faults` without httpx, whose every client costs 50 ms for certificates."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        try:
            connection.request(method, "/faults", json.dumps(body))
            reply = connection.getresponse()
            assert reply.status == 200, reply.read()
            return json.load(reply)
        finally:
            connection.close()


@pytest.fixture
def start_server():
    """Starts a server of the test's own with the given options; ended with the test."""
    started = []

    def start(*options):
        started.append(ModelProcess(*options))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.fixture(scope="session")
def shared_server():
    """The run's server with fault injection."""
    process = ModelProcess("--faults")
    yield process
    assert process.end() == (0, "", "")


@pytest.fixture
def server(shared_server):
    """The shared server, without faults to begin with."""
    shared_server.inject()
    yield shared_server
    shared_server.inject()


@pytest.fixture(scope="session")
def _http(shared_server):
    with httpx.Client(base_url=shared_server.url, timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture
def http(server, _http):
    """An HTTP client of the server."""
    return _http


@pytest.fixture(scope="session")
def _ollama(shared_server):
    with ollama.Client(host=shared_server.url, timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture
def client(server, _ollama):
    """The official Ollama client."""
    return _ollama


@pytest.fixture
def messages():
    """A prompt as the worker composes it; its answer has a dozen words."""
    passages = (
        "[1] (a.md) # Leases\n\nA lease lasts 20 seconds and is renewed every 5 seconds.\n\n[2] (b.md) Cats sleep."
    )
    return [
        {"role": "system", "content": f"Answer from the passages and cite them.\n\nPassages:\n\n{passages}"},
        {"role": "user", "content": "How long does a lease last?"},
    ]


@pytest.fixture
def answer():
    """What `extractive` answers to `messages`."""
    return "A lease lasts 20 seconds and is renewed every 5 seconds [1]."


@pytest.fixture(scope="session")
def llm_server(smollm2):
    """A server with SmolLM2-135M-Instruct as `smollm2`."""
    process = ModelProcess("--llm", f"{smollm2}=SmolLM2", "--llm-context", "1024", "--faults")
    yield process
    status, output, _ = process.end()
    assert (status, output) == (0, "")
