"""Refuses a request body above its limit before anything parses it."""

from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relais_api.http.problems import TYPE_TEMPLATE, TooLarge

LimitOf = Callable[[Scope], int]

# A client that is still sending when the connection closes sees a reset instead of the answer: read on for a while.
_DRAINED_BYTES = 8_388_608


class BodyLimit:
    """Counts the bytes of each request body as they come; `limit_of` gives the limit of a request in bytes."""

    def __init__(self, app: ASGIApp, limit_of: LimitOf) -> None:
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 413."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope)
        if _declared_size(scope) > limit:
            await _refuse(limit, scope, receive, send)
            return
        counted = _Counted(limit, receive, send)
        try:
            await self._app(scope, counted.receive, counted.send)
        except _OverLimitError:
            if counted.started:
                raise
        if counted.exceeded and not counted.started:
            await _refuse(limit, scope, receive, send)


class _OverLimitError(Exception):
    """The body has more bytes than it may have."""


class _Counted:
    """One request whose answer is withheld once its body is too large: the application only sees a broken body."""

    def __init__(self, limit: int, receive: Receive, send: Send) -> None:
        self._left = limit
        self._receive = receive
        self._send = send
        self.exceeded = False
        self.started = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.exceeded = True
            raise _OverLimitError
        return message

    async def send(self, message: Message) -> None:
        if self.exceeded and not self.started:
            return
        self.started = True
        await self._send(message)


async def _refuse(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    await _drain(receive)
    problem = TooLarge(f"The body may have at most {limit} bytes; send less.")
    headers = {"Content-Type": "application/problem+json", "Connection": "close"}
    response = JSONResponse(problem.marshal(uri=TYPE_TEMPLATE), problem.status, headers)
    await response(scope, receive, send)


async def _drain(receive: Receive) -> None:
    drained = 0
    while drained < _DRAINED_BYTES:
        message = await receive()
        drained += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _declared_size(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
