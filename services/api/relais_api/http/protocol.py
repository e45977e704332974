"""Ends connections whose request line and headers come too slowly, are too large, or aren't HTTP."""

import asyncio
import json
from http import HTTPStatus
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from relais_api.http.problems import TYPE_TEMPLATE, ApiProblem, BadRequest, HeadersTooLarge, SlowBody

# Uvicorn 0.54 limits neither with httptools: a client that never ends its headers costs a connection
# for ever, and memory as long as it sends.
_LONGEST_HEAD_S: Final = 20.0
_LARGEST_HEAD_BYTES: Final = 65_536  # beyond the first read of the socket, which may hold a body too


class CarefulHttp(HttpToolsProtocol):
    """Uvicorn's protocol with a limit of time and size until the headers are complete."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes: int | None = None  # of the head that is being read; None while there is none

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as upstream
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, unless the head has become too large."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        if self._head_bytes is not None and self._head_bytes > _LARGEST_HEAD_BYTES + len(data):
            self._refuse(HeadersTooLarge(f"Headers may have at most {_LARGEST_HEAD_BYTES} bytes; send less."))
            return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Limit the head of a further request on the same connection too."""
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        """Leave the rest to the limits of bodies."""
        self._end_head()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what isn't HTTP with a problem document."""
        self._refuse(BadRequest(msg))

    def _begin_head(self) -> None:
        if self._head_timer is None:
            self._head_bytes = 0
            self._head_timer = self.loop.call_later(_LONGEST_HEAD_S, self._too_slow)

    def _end_head(self) -> None:
        self._head_bytes = None
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._refuse(SlowBody(f"The headers were not complete within {_LONGEST_HEAD_S:g} s; send the request again."))

    def _refuse(self, problem: ApiProblem) -> None:
        self._end_head()
        body = json.dumps(problem.marshal(uri=TYPE_TEMPLATE)).encode()
        head = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n" + "".join(
            f"{name}: {value}\r\n"
            for name, value in {
                "Content-Type": "application/problem+json",
                "Content-Length": len(body),
                "Connection": "close",
            }.items()
        )
        self.transport.write(head.encode() + b"\r\n" + body)
        self.transport.close()
