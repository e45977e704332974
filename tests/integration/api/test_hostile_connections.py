"""Connections that are too slow, too large or no HTTP end with a problem document, before anything parses them."""

import json
import socket
import time

import pytest

from relais_api.http import limits, protocol

LENGTH = b"Content-Type: application/json\r\nContent-Length: "
POST = b"POST /c/demo-token/message HTTP/1.1\r\nHost: relais\r\n"


@pytest.fixture
def api(refusing_api):
    """Nothing here leaves a row behind."""
    return refusing_api


@pytest.fixture
def impatient(monkeypatch):
    """The same limits, with less patience."""
    monkeypatch.setattr(limits, "_PATIENCE_S", 0.3)
    monkeypatch.setattr(protocol, "_LONGEST_HEAD_S", 0.3)


def connect(api) -> socket.socket:
    """Open a connection to the API, for what no HTTP client would send."""
    return socket.create_connection((api.http.base_url.host, api.http.base_url.port), timeout=15)


def answer(conn: socket.socket) -> tuple[int, dict[str, object]]:
    """Read until the server closes; the status and the problem of its answer."""
    received = b""
    while chunk := conn.recv(65_536):
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, received
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), json.loads(body)


def test_headers_that_never_end_are_given_up(api, impatient):
    """A connection that sends nothing, or never ends its headers, is closed with 408 after a while."""
    for beginning in (b"", POST + b"X-Slow: a"):
        with connect(api) as conn:
            conn.sendall(beginning)
            status, problem = answer(conn)
        assert (status, problem["code"]) == (408, "request_timeout")


def test_a_body_shorter_than_declared_is_given_up(api, impatient):
    """A Content-Length that lies holds its connection for the patience, not for ever."""
    with connect(api) as conn:
        conn.sendall(POST + LENGTH + b'100\r\n\r\n{"content"')
        status, problem = answer(conn)
    assert (status, problem["code"]) == (408, "request_timeout")


def test_a_dripping_body_is_given_up(api, impatient):
    """Sending a byte now and then doesn't renew the patience."""
    started = time.monotonic()
    with connect(api) as conn:
        conn.sendall(POST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        conn.settimeout(0.02)
        while time.monotonic() < started + 10:
            conn.sendall(b"1\r\n \r\n")
            try:
                if conn.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
        conn.settimeout(10)
        status, problem = answer(conn)
    assert (status, problem["code"]) == (408, "request_timeout")
    assert time.monotonic() < started + 5


def test_endless_headers_are_refused_at_the_limit(api):
    """431, and the memory that one connection can take for headers is bounded."""
    with connect(api) as conn:
        conn.sendall(POST)
        sent = 0
        try:
            while sent < 20_000_000:
                conn.sendall(b"X: " + b"a" * 8_000 + b"\r\n")
                sent += 8_000
                conn.settimeout(0.001)
                try:
                    if conn.recv(1, socket.MSG_PEEK):
                        break
                except TimeoutError:
                    continue
                finally:
                    conn.settimeout(15)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert sent < 5_000_000


def test_what_is_not_http_gets_a_problem(api):
    """400 as a problem document, too, for a line that no parser takes."""
    with connect(api) as conn:
        conn.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        status, problem = answer(conn)
    assert (status, problem["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
    ],
)
def test_two_meanings_of_a_length_are_none(api, lengths):
    """A body whose length can be read in two ways is refused, so that no request can be smuggled past a proxy."""
    with connect(api) as conn:
        conn.sendall(POST + lengths + b"Content-Type: application/json\r\n\r\n0\r\n\r\n")
        status, _ = answer(conn)
    assert status in {400, 413}


def test_a_keep_alive_connection_serves_on_after_a_large_body(api):
    """The limits of a head aren't used up by the bodies and heads before it."""
    for _ in range(3):
        assert api.http.post("/c/demo-token/message", json={"content": "x" * 32_000}).status_code == 202
        assert api.http.get("/healthz", headers={"X-Large": "a" * 40_000}).status_code == 200
