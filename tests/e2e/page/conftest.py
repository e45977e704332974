"""Chromium on the chat page, served by a fake API whose faults a test chooses."""

import asyncio
import json
import threading
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
import uvicorn
from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from playwright.sync_api import BrowserContext, Locator, Page

from relais_api.page import PAGE_HEADERS, render_page, router
from support.interception import open_intercepted


@dataclass(frozen=True)
class Face:
    """An agent as the page sees it."""

    token: str = "demo-token"  # noqa: S105 -- public by design
    name: str = "Harbour"
    greeting: str = "Hello. I answer questions about orders, delivery and returns, and name the documents I used."
    max_content_chars: int = 200


@dataclass
class Message:
    """One message of the fake: its question, its status body, its events."""

    question: str
    status: dict[str, Any]
    events: list[str] = field(default_factory=list)


@dataclass
class FakeApi:
    """The API as far as the page uses it; `script` holds replies that the next POSTs get instead of a receipt."""

    face: Face = field(default_factory=Face)
    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    script: deque[tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=deque)
    messages: dict[str, Message] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    page_size: int = 50
    events_status: int = 200
    live: set[str] = field(default_factory=set)
    retried: list[str] = field(default_factory=list)
    connections: int = 0
    on_connect: Callable[[], None] | None = None

    def accept(self, key: str, content: str, session_id: str | None) -> Message:
        """Give the message of this key, a new one for a new key."""
        if key not in self.by_key:
            message_id = str(uuid.uuid4())
            self.by_key[key] = message_id
            self.messages[message_id] = Message(content, blank_status(message_id, session_id or str(uuid.uuid4())))
        return self.messages[self.by_key[key]]

    def last(self) -> Message:
        """Give the newest message."""
        return list(self.messages.values())[-1]

    def emit(self, event: str, data: dict[str, Any], message: Message | None = None) -> None:
        """Send one server-sent event."""
        (message or self.last()).events.append(f"event: {event}\ndata: {json.dumps(data)}\n\n")

    def move(self, message: Message | None = None, **changes: Any) -> None:
        """Change a status and send it: `done` with a last one, else `status`."""
        message = message or self.last()
        message.status = {**message.status, **changes}
        final = message.status["status"] in {"completed", "failed", "cancelled"}
        self.emit("done" if final else "status", message.status, message)

    def write(self, text: str, offset: int, attempt: int = 1) -> None:
        """Send a piece of the running answer."""
        self.emit("delta", {"text": text, "attempt": attempt, "offset": offset})


def blank_status(message_id: str, session_id: str) -> dict[str, Any]:
    """Give the status body of a message that was just accepted."""
    empty = (
        "queued_at processing_started_at processing_completed_at content citations grounded model tokens_prompt "
        "tokens_completion generation_time_ms error error_code next_attempt_at"
    )
    return {
        "message_id": message_id,
        "session_id": session_id,
        "status": "queued",
        "queue_position": 3,
        "eta_seconds": 12.2,
        "attempt": 0,
        "retry_count": 0,
    } | dict.fromkeys(empty.split())


def make_app(fake: FakeApi) -> FastAPI:
    """Serve the real page and its assets beside the fake's endpoints."""
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    add_chat(app, fake)
    add_messages(app, fake)
    return app


def add_chat(app: FastAPI, fake: FakeApi) -> None:
    """Add the page, the accepting of messages and the history."""

    @app.get(f"/c/{fake.face.token}")
    async def page() -> HTMLResponse:
        return HTMLResponse(render_page(fake.face), headers=PAGE_HEADERS)

    @app.post(f"/c/{fake.face.token}/message")
    async def post(request: Request, idempotency_key: Annotated[str, Header()]) -> Response:
        body = await request.json()
        fake.posts.append({"key": idempotency_key, **body})
        if fake.script:
            status, headers, problem = fake.script.popleft()
            return JSONResponse(problem, status, headers, media_type="application/problem+json")
        message = fake.accept(idempotency_key, body["content"], body["session_id"])
        path = f"/api/messages/{message.status['message_id']}"
        return JSONResponse({**message.status, "status_url": f"{path}/status", "events_url": f"{path}/events"}, 202)

    @app.get("/api/sessions/{session_id}/messages")
    async def history(session_id: str, cursor: int = 0) -> JSONResponse:
        known = [m for m in fake.messages.values() if m.status["session_id"] == session_id]
        if not known:
            return JSONResponse({"code": "unknown_session", "detail": "There is no such session."}, 404)
        end = cursor + fake.page_size
        rows = [{"question": m.question, **m.status} for m in known[cursor:end]]
        return JSONResponse({"messages": rows, "next_cursor": str(end) if end < len(known) else None})


def add_messages(app: FastAPI, fake: FakeApi) -> None:
    """Add what concerns one message."""

    @app.get("/api/messages/{message_id}/status")
    async def status(message_id: str, if_none_match: Annotated[str, Header()] = "") -> Response:
        body = fake.messages[message_id].status
        etag = f'"{hash(json.dumps(body))}"'
        headers = {"ETag": etag, "Retry-After": "0.1"}
        return Response(status_code=304, headers=headers) if if_none_match == etag else JSONResponse(body, 200, headers)

    @app.get("/api/messages/{message_id}/events")
    async def events(message_id: str, request: Request) -> Response:
        if fake.events_status != 200:
            return Response(status_code=fake.events_status)
        return StreamingResponse(stream(fake, message_id, request), media_type="text/event-stream")

    @app.post("/api/messages/{message_id}/retry")
    async def retry(message_id: str) -> JSONResponse:
        message = fake.messages[message_id]
        fake.retried.append(message_id)
        message.events.clear()
        message.status = {**message.status, "status": "queued", "error": None, "error_code": None, "queue_position": 1}
        return JSONResponse(message.status, 202)

    @app.post("/api/messages/{message_id}/cancel")
    async def cancel(message_id: str) -> JSONResponse:
        fake.move(fake.messages[message_id], status="cancelled", queue_position=None, eta_seconds=None)
        return JSONResponse(fake.messages[message_id].status, 202)


async def stream(fake: FakeApi, message_id: str, request: Request) -> AsyncIterator[str]:
    """Send the message's events, those to come as they come."""
    fake.live.add(message_id)
    fake.connections += 1
    if fake.connections > 1 and fake.on_connect:
        fake.messages[message_id].events.clear()
        fake.on_connect()
    sent = 0
    try:
        while not await request.is_disconnected():
            events = fake.messages[message_id].events
            while sent < len(events):
                sent += 1
                yield events[sent - 1]
            await asyncio.sleep(0.02)
    finally:  # Starlette may see the end first, and cancels us then
        fake.live.discard(message_id)


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    fake = FakeApi()
    config = uvicorn.Config(make_app(fake), port=0, log_level="warning", lifespan="off", ws="none")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    started = threading.Event()
    startup = server.startup

    async def report(*args: Any, **kwargs: Any) -> None:
        await startup(*args, **kwargs)
        started.set()

    server.startup = report  # type: ignore[method-assign] # the port is known only then
    thread = threading.Thread(target=server.run, name="fake-api")
    thread.start()
    assert started.wait(10)
    fake.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield fake
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def chat(fake: FakeApi, context: BrowserContext) -> Iterator[Page]:
    """The open page; any error in its scripts or break of its policy fails the test."""
    page = open_intercepted(context)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if "Content Security" in line.text else None)
    page.goto(f"{fake.url}/c/{fake.face.token}")
    yield page
    assert errors == []


@pytest.fixture
def log(chat: Page) -> Locator:
    """The conversation, without what is said to screen readers only."""
    return chat.get_by_role("log")


@pytest.fixture
def ask(chat: Page) -> Callable[[str], None]:
    """Type a question and press Enter."""

    def type_it(question: str) -> None:
        chat.get_by_label("Your message").fill(question)
        chat.keyboard.press("Enter")

    return type_it
