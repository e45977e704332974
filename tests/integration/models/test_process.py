"""The model server as a process: how it starts and ends."""

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from support.waiting import wait_until


def _run(*options):
    command = [sys.executable, "-m", "relais_models", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)


def test_one_line_says_that_it_is_ready(start_server):
    """The line names the address, at which requests are answered from then on, and the models."""
    process = start_server()
    assert process.models == ["extractive", "lexical"]
    assert httpx.get(f"{process.url}/api/version", timeout=5, trust_env=False).status_code == 200
    assert httpx.get(f"{process.url}/faults", timeout=5, trust_env=False).status_code == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start_server, number):
    """Status 0, no traceback, nothing else printed."""
    assert start_server().end(number) == (0, "", "")


@pytest.mark.parametrize("faults", ['{"hang": true}', '{"stall_after": 1}'])
def test_a_signal_ends_it_while_replies_are_under_way(start_server, messages, faults):
    """A client that waits gets an error, not half an answer that looks whole; the process doesn't wait for it."""
    process = start_server("--faults", faults)
    outcome = []

    def ask():
        try:
            reply = httpx.post(
                f"{process.url}/api/chat",
                json={"model": "extractive", "messages": messages},
                timeout=30,
                trust_env=False,
            )
            outcome.append(reply.status_code)
        except httpx.TransportError as error:
            outcome.append(type(error))

    client = threading.Thread(target=ask)
    client.start()
    wait_until(lambda: process.activity("chat")["running"] == 1)
    assert process.end() == (0, "", "")
    client.join(timeout=10)
    assert outcome in ([503], [httpx.RemoteProtocolError])


def test_it_ends_with_its_parent(start_server):
    """`--exit-with-parent`: a parent that was killed closes the pipe, whatever it was doing."""
    process = start_server()
    process.popen.stdin.close()
    assert process.popen.wait(timeout=10) == 0
    assert process.popen.stderr.read() == ""


def test_without_that_option_it_stays(start_server):
    """Started in the background with standard input closed, it goes on serving."""
    command = [sys.executable, "-m", "relais_models", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[3]
        try:
            assert httpx.get(f"{url}/api/version", timeout=5, trust_env=False).status_code == 200
        finally:
            process.terminate()


def test_a_taken_port_is_one_line():
    """Status 1, with the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = _run("--port", str(port))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"relais-models: can't listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_host_that_is_not_ours_is_one_line():
    """A mistyped address doesn't end in a traceback."""
    ended = _run("--host", "192.0.2.1", "--port", "0")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "192.0.2.1" in ended.stderr


def test_a_wrong_option_is_one_line():
    """Status 2, with the option's name."""
    ended = _run("--porr", "1")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "--porr" in ended.stderr


def test_a_missing_extra_is_one_line(tmp_path):
    """Without the extra, `--llm` names it; everything else works without it."""
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('not installed')")
    (tmp_path / "model.gguf").write_bytes(b"GGUF....")
    ended = subprocess.run(
        [sys.executable, "-m", "relais_models", "--port", "0", "--llm", str(tmp_path / "model.gguf")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=tmp_path,  # `-m` looks here first
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "local-llm" in ended.stderr
