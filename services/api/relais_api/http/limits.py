"""Refuses a request body that is too large or comes too slowly, before anything parses it."""

import asyncio
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relais_api.http.problems import TYPE_TEMPLATE, ApiProblem, SlowBody, TooLarge

LimitOf = Callable[[Scope], int]

# A client that is still sending when the connection closes sees a reset instead of the answer: read on for a while.
_DRAINED_BYTES = 8_388_608
# A body has this long, and longer by a second for so many bytes that came: else a drip would hold its connection.
_PATIENCE_S = 20.0
_SLOWEST_BYTES_PER_S = 500


class BodyLimit:
    """Counts the bytes of each request body as they come; `limit_of` gives the limit of a request in bytes."""

    def __init__(self, app: ASGIApp, limit_of: LimitOf) -> None:
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 413 or 408."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope)
        if _declared_size(scope) > limit:
            await _drain(receive)
            await _refuse(_too_large(limit), scope, receive, send)
            return
        watched = _Watched(limit, receive, send)
        try:
            await self._app(scope, watched.receive, watched.send)
        except _BadBodyError:
            if watched.started:
                raise
        if watched.fault is not None and not watched.started:
            if isinstance(watched.fault, TooLarge):
                await _drain(receive)
            await _refuse(watched.fault, scope, receive, send)


class _BadBodyError(Exception):
    """The body has more bytes than it may have, or comes too slowly."""


class _Watched:
    """One request whose answer is withheld once its body is at fault: the application only sees a broken body."""

    def __init__(self, limit: int, receive: Receive, send: Send) -> None:
        self._limit = self._left = limit
        self._receive = receive
        self._send = send
        self._deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        self._complete = False
        self.fault: ApiProblem | None = None
        self.started = False

    async def receive(self) -> Message:
        if self._complete:  # what comes now is the end of the connection, which may take its time
            return await self._receive()
        message = await self._in_time()
        size = len(message.get("body", b""))
        self._left -= size
        self._deadline += size / _SLOWEST_BYTES_PER_S
        self._complete = not message.get("more_body", False)
        if self._left < 0:
            self.fault = _too_large(self._limit)
            raise _BadBodyError
        return message

    async def send(self, message: Message) -> None:
        if self.fault is not None and not self.started:
            return
        self.started = True
        await self._send(message)

    async def _in_time(self) -> Message:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._receive()
        except TimeoutError:
            self.fault = SlowBody("The body came too slowly; send it again over a better connection.")
            raise _BadBodyError from None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body may have at most {limit} bytes; send less.")


async def _refuse(problem: ApiProblem, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Content-Type": "application/problem+json", "Connection": "close"}
    response = JSONResponse(problem.marshal(uri=TYPE_TEMPLATE), problem.status, headers)
    await response(scope, receive, send)


async def _drain(receive: Receive) -> None:
    drained = 0
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while drained < _DRAINED_BYTES:
                message = await receive()
                drained += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _declared_size(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
