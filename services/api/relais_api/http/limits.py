"""Refuses a request body above its limit before anything parses it."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relais_api.http.problems import TooLarge

LimitOf = Callable[[Scope], int]


class BodyLimit:
    """Counts the bytes of each request body as they come; `limit_of` gives the limit of a request in bytes."""

    def __init__(self, app: ASGIApp, limit_of: LimitOf) -> None:
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that refuses the first byte too many."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope)
        left = limit
        too_large = _declared_size(scope) > limit

        async def counted() -> Message:
            nonlocal left
            if too_large:
                raise _refusal(limit)
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _refusal(limit)
            return message

        await self._app(scope, counted, send)


def _declared_size(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _refusal(limit: int) -> TooLarge:
    # The rest of the body stays unread, so the connection can't serve another request.
    return TooLarge(f"The body may have at most {limit} bytes; send less.", headers={"Connection": "close"})
