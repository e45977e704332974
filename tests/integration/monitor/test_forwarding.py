"""The monitor passes the page's actions on to the API: with the key, within bounds, and nothing besides."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from urllib.parse import unquote_to_bytes

import httpx
import pytest
from fastapi import FastAPI

from relais_monitor.operate.forwarder import Forwarder
from relais_monitor.operate.routes import build_operate_router
from relais_monitor.problems import install_problem_handlers
from support.scripted_server import http_reply, scripted
from support.waiting import wait_until

KEY = {"Authorization": "Bearer some-key"}


class Way:
    """The monitor's forwarder before an API that follows a script."""

    def __init__(self, url: str, *, patience_s: float = 10.0, unquoting: bool = False) -> None:
        self._url, self._patience_s, self._unquoting = url, patience_s, unquoting

    def send(self, method: str, path: str, **options: object) -> httpx.Response:
        """Send a request through the monitor."""
        return asyncio.run(self._send(method, path, **options))

    async def _send(self, method: str, path: str, **options: object) -> httpx.Response:
        async with self.open() as client:
            return await client.request(method, path, **options)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[httpx.AsyncClient]:
        """Give a client of the monitor."""
        forwarder = Forwarder(self._url, patience_s=self._patience_s)
        app = FastAPI()
        install_problem_handlers(app)
        app.include_router(build_operate_router(forwarder))

        async def unquoting(scope, receive, send) -> None:  # a query as no client of ours would write it
            await app(scope | {"query_string": unquote_to_bytes(scope["query_string"])}, receive, send)

        transport = httpx.ASGITransport(unquoting if self._unquoting else app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://monitor") as client:
                yield client
        finally:
            await forwarder.aclose()


@pytest.fixture
def api() -> Iterator:
    """Make APIs that follow a script."""
    with ExitStack() as ends:
        yield lambda *steps: ends.enter_context(scripted(*steps))


def problem(reply: httpx.Response) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["detail"]
    return reply.status_code, reply.json()["code"]


def test_an_action_arrives_as_it_was_meant(api):
    """Method, path, query, body, key and content type arrive; cookies and other headers stay behind."""
    upstream = api(http_reply("200 OK", b'{"matching": 3}'))
    reply = Way(upstream.url).send(
        "POST",
        "/operate/api/jobs/retry?state=failed&agent=a%26b",
        json={"dry_run": True},
        headers=KEY | {"Cookie": "a=b", "X-Forwarded-For": "1.2.3.4", "X-Evil": "1"},
    )
    assert (reply.status_code, reply.json()) == (200, {"matching": 3})
    assert reply.headers["cache-control"] == "no-store"
    sent = upstream.requests[0].decode()
    assert sent.startswith("POST /api/jobs/retry?state=failed&agent=a%26b HTTP/1.1\r\n")
    assert sent.endswith('{"dry_run":true}')
    names = {line.partition(":")[0].lower() for line in sent.partition("\r\n\r\n")[0].split("\r\n")[1:]}
    assert {"authorization", "content-type"} <= names
    assert not names & {"cookie", "x-forwarded-for", "x-evil"}


def test_a_refusal_of_the_api_is_passed_back(api):
    """The status and the problem document are the API's; headers that could do something aren't passed."""
    refusal = (
        b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\nSet-Cookie: a=b\r\nLocation: /x\r\n"
        b'Retry-After: 3\r\nContent-Length: 20\r\n\r\n{"code":"forbidden"}'
    )
    reply = Way(api(refusal).url).send("GET", "/operate/api/audit", headers=KEY)
    assert (reply.status_code, reply.json()) == (403, {"code": "forbidden"})
    assert reply.headers["retry-after"] == "3"
    assert not {"set-cookie", "location"} & set(reply.headers)


@pytest.mark.parametrize(
    "path",
    ["/operate/api/agents", "/operate/api/jobs/%2e%2e/agents", "/operate//api/jobs", "/operate/healthz"],
    ids=["another", "dots", "slashes", "health"],
)
def test_what_is_not_on_the_list_reaches_nobody(api, path):
    """The API isn't even asked."""
    upstream = api(http_reply("200 OK", b"{}"))
    for method in ("GET", "POST", "DELETE", "PUT", "PATCH"):
        assert problem(Way(upstream.url).send(method, path, headers=KEY)) == (404, "not_found")
    assert upstream.requests == []


def test_a_redirect_is_not_followed(api):
    """An API that points elsewhere can't make the monitor ask there."""
    elsewhere = api(http_reply("200 OK", b'{"secret": 1}'))
    redirect = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere.url}/x\r\nContent-Length: 0\r\n\r\n".encode()
    reply = Way(api(redirect).url).send("GET", "/operate/api/jobs", headers=KEY)
    assert reply.status_code == 307
    assert "location" not in reply.headers
    assert elsewhere.requests == []


def test_without_a_key_the_api_is_not_asked(api):
    """Whoever reaches the monitor's port can't make it send requests."""
    upstream = api(http_reply("200 OK", b"{}"))
    assert problem(Way(upstream.url).send("GET", "/operate/api/jobs")) == (401, "unauthorized")
    assert upstream.requests == []


@pytest.mark.parametrize("key", ["Bearer schl\u00fcssel", "Bearer a\u00a0b"], ids=["letter", "space"])
def test_a_key_that_cannot_be_one_is_refused(api, key):
    """Characters that no key has get the answer of a wrong key, and the API isn't asked."""
    upstream = api(http_reply("200 OK", b"{}"))
    reply = Way(upstream.url).send("GET", "/operate/api/jobs", headers={"Authorization": key.encode("latin-1")})
    assert problem(reply) == (401, "unauthorized")
    assert upstream.requests == []


def test_a_content_type_that_cannot_be_one_is_refused(api):
    """415, and the API isn't asked."""
    upstream = api(http_reply("200 OK", b"{}"))
    headers = {"Authorization": "Bearer some-key", "Content-Type": "text/pl\u00e4in".encode("latin-1")}
    reply = Way(upstream.url).send("POST", "/operate/api/jobs/retry", content=b"{}", headers=headers)
    assert problem(reply) == (415, "unsupported_type")
    assert upstream.requests == []


@pytest.mark.parametrize("query", ["agent=%C3%BC", "agent=%00", "agent=%0d%0aX: y"], ids=["letter", "zero", "lines"])
def test_a_query_that_cannot_be_one_is_refused(api, query):
    """Bytes that stand in no address as they are don't reach the API, changed or not."""
    upstream = api(http_reply("200 OK", b"{}"))
    reply = Way(upstream.url, unquoting=True).send("GET", f"/operate/api/jobs?{query}", headers=KEY)
    assert problem(reply) == (422, "invalid_request")
    assert upstream.requests == []


def test_large_bodies_and_queries_are_refused(api):
    """A limit on what an action may say keeps the monitor's memory its own."""
    way = Way(api(http_reply("200 OK", b"{}")).url)
    assert problem(way.send("POST", "/operate/api/jobs/retry", content=b"x" * 70_000, headers=KEY)) == (
        413,
        "too_large",
    )
    assert problem(way.send("GET", f"/operate/api/jobs?a={'x' * 9_000}", headers=KEY)) == (414, "too_long")


def test_an_api_that_is_away_is_said_to_be(api):
    """502 with the setting to correct; the address isn't told."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reply = Way(f"http://127.0.0.1:{port}").send("POST", "/operate/api/jobs/retry", headers=KEY)
    assert problem(reply) == (502, "api_unreachable")
    assert "RELAIS_MONITOR_API_URL" in reply.json()["detail"]
    assert str(port) not in reply.text


def test_an_api_that_hangs_is_given_up(api):
    """504, and the warning that the action may have been done all the same."""
    reply = Way(api(30.0).url, patience_s=0.3).send("POST", "/operate/api/jobs/cancel", headers=KEY)
    assert problem(reply) == (504, "api_timeout")
    assert "may have been done" in reply.json()["detail"]


def test_an_action_that_found_no_way_free_was_not_done(api):
    """While ten others wait for the API, the next is refused soon, and isn't said to have been done perhaps."""
    upstream = api(30.0)

    async def ask() -> httpx.Response:
        async with Way(upstream.url, patience_s=20.0).open() as client:
            waiting = [asyncio.create_task(client.get("/operate/api/jobs", headers=KEY)) for _ in range(10)]
            await asyncio.to_thread(wait_until, lambda: len(upstream.requests) == 10)
            try:
                return await client.post("/operate/api/jobs/cancel", headers=KEY)
            finally:
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)

    reply = asyncio.run(ask())
    assert problem(reply) == (503, "api_busy")
    assert "nothing was changed" in reply.json()["detail"]
    assert reply.headers["retry-after"] == "5"


def test_an_action_does_not_go_over_a_connection_that_rested(api):
    """An API ends connections that rest, and may do so while a further action is on its way; each has its own."""
    upstream = api(http_reply("200 OK", b"{}"), 30.0)  # what comes on the same connection thereafter is reset

    async def ask_twice() -> list[int]:
        async with Way(upstream.url).open() as client:
            return [(await client.post("/operate/api/jobs/cancel", headers=KEY)).status_code for _ in range(2)]

    assert asyncio.run(ask_twice()) == [200, 200]


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\x01\x02",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        http_reply("200 OK", b"x" * 9_000_000),
    ],
    ids=["no-http", "cut-off", "endless"],
)
def test_an_answer_without_sense_is_not_passed_on(api, answer):
    """502 for what isn't HTTP, breaks off, or has no end."""
    assert problem(Way(api(answer).url).send("GET", "/operate/api/jobs", headers=KEY)) == (502, "api_broken")
