"""Sending replies that may end in the middle."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from relais_models.api.presence import Gone, Presence, presence_of
from relais_models.faults.disturbance import BrokenOff


class LinesResponse(Response):
    """Newline-delimited JSON as it comes.

    The connection is closed without an end when the generation breaks off abruptly or the server stops, so that a
    client can't take half an answer for a whole one.
    """

    media_type = "application/x-ndjson"

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None], presence: Presence) -> None:
        super().__init__(media_type=self.media_type)
        del self.headers["content-length"]
        self._first = first
        self._rest = rest
        self._presence = presence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- the ASGI signature
        """Send the lines; a client that leaves ends the generation."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(self._rest):
            try:
                line: bytes | None = self._first
                while line is not None:
                    await send({"type": "http.response.body", "body": line, "more_body": True})
                    line = await self._presence.during(anext(self._rest, None))
            except Gone:
                return
            except BrokenOff as end:
                if end.abruptly:
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class CutResponse(Response):
    """Promises a body and closes the connection instead."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- the ASGI signature
        """Send the headers only."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def stream(request: Request, lines: AsyncGenerator[bytes, None]) -> Response:
    """Reply with `lines`; the headers go out with the first, so that an error before it has its own status."""
    presence = presence_of(request)
    try:
        first = await presence.during(anext(lines))
    except BrokenOff:
        return CutResponse()
    return LinesResponse(first, lines, presence)
