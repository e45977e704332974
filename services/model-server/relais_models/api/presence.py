"""Knowing whether a reply is still wanted."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")
_KEY = "relais_models.presence"


class Gone(Exception):  # noqa: N818 -- an event, not an error
    """The client left, or the server stops: nobody takes the reply."""


class Presence:
    """Watches one request's client, and `stopping`, once its body has been read."""

    def __init__(self, receive: Receive, stopping: asyncio.Event) -> None:
        self._receive = receive
        self._stopping = stopping
        self._gone: asyncio.Task[None] | None = None

    async def during(self, work: Awaitable[T]) -> T:
        """Await `work`, which is cancelled when the reply is no longer wanted.

        Raises:
            Gone: the reply is no longer wanted; `work` has ended by then.
        """
        self._gone = self._gone or asyncio.create_task(self._until_gone())
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise Gone
        finally:
            await _end(task)

    async def close(self) -> None:
        """Stop watching."""
        if self._gone is not None:
            await _end(self._gone)

    async def _until_gone(self) -> None:
        left = asyncio.create_task(self._until_left())
        stops = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({left, stops}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(left)
            await _end(stops)

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


@dataclass(frozen=True)
class PresenceMiddleware:
    """Gives each request its `Presence`."""

    app: ASGIApp
    stopping: asyncio.Event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, with its `Presence` in the scope."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        presence = Presence(receive, self.stopping)
        scope[_KEY] = presence
        try:
            await self.app(scope, receive, send)
        finally:
            await presence.close()


def presence_of(request: Request) -> Presence:
    """The `Presence` of a request."""
    presence: Presence = request.scope[_KEY]
    return presence


async def _end(task: asyncio.Future[T]) -> None:
    """Cancel `task` and wait until it has ended; its outcome is nobody's concern any more."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
