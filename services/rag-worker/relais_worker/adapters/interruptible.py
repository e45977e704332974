"""An HTTP transport whose reads can be interrupted.

A worker that waits for a model's first token sits in one socket read, for minutes at worst. httpx can't be asked
anything meanwhile: its timeout is per read (encode/httpx#1450), a read timeout breaks the response, and closing
the response from another thread doesn't wake the read. httpcore's network backend is the public seam below that:
here a read waits in slices and asks between them whether the attempt may go on. No second thread is involved, an
exception raised by `check` closes the connection on its way up, and Ollama then stops generating.
"""

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

_SLICE_S = 0.2
_NO_WAIT_S = 0.001  # zero would make the socket non-blocking, which fails differently


class InterruptibleTransport(httpx.HTTPTransport):
    """Calls `check` at least every 0.2 s while it waits for bytes, and before every read that has some.

    One connection per request: a model call is long against a handshake, and an idle connection that the server
    closes would look like a failure of the call.
    """

    def __init__(self, check: Callable[[], None], tls: ssl.SSLContext) -> None:
        # HTTPTransport offers no way to hand in a network backend; its pool is the one thing replaced here.
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, max_connections=1, max_keepalive_connections=0, network_backend=_Backend(check)
        )


class _Backend(httpcore.NetworkBackend):
    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self._check()
        stream = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._check)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, check: Callable[[], None]) -> None:
        self._inner = inner
        self._check = check

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        give_up_at = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            self._check()
            slice_s = max(_NO_WAIT_S, min(_SLICE_S, give_up_at - time.monotonic()))
            try:
                return self._inner.read(max_bytes, slice_s)
            except httpcore.ReadTimeout:
                if time.monotonic() >= give_up_at:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._check)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
