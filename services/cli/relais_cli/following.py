"""Follows a message until it ends: by its event stream, or by asking again where there is none."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from httpx_sse import ServerSentEvent, SSEError, aconnect_sse

from relais.lifecycle import TERMINAL
from relais_cli.client import Address, UnreachableError, refusal, unreachable

_SILENCE_S = 40.0  # the API sends a comment every 15 seconds
_WAIT_S = 10
_PAUSE_S = 0.5
_MOST_FAILURES = 20  # in a row: ten seconds
_NO_STREAM = {404, 405, 406, 501}

Status = dict[str, Any]


class Watcher(Protocol):
    """Hears what happens to a message."""

    def on_status(self, status: Status) -> None:
        """Its state or its place in the queue changed."""

    def on_text(self, text: str) -> None:
        """More of its answer was written."""

    def on_reset(self) -> None:
        """What was written so far is void: another attempt begins."""


class _StreamUnavailableError(Exception):
    """The API, or something between, doesn't stream."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Follows messages at one API."""

    address: Address
    watcher: Watcher

    async def follow(self, message_id: str, timeout_s: float) -> Status:
        """Follow one message to its end; the final status.

        Raises:
            TimeoutError: it didn't end in time.
            CliError: the API is gone, or knows no such message.
        """
        async with asyncio.timeout(timeout_s), self._connected() as http:
            try:
                return await self._listen(http, message_id)
            except _StreamUnavailableError:
                return await self._ask(http, message_id)

    def _connected(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.address.url, timeout=_SILENCE_S, trust_env=not self.address.is_local)

    async def _listen(self, http: httpx.AsyncClient, message_id: str) -> Status:
        last_id, failures = "", 0
        while True:
            try:
                async for event in self._events(http, message_id, last_id):
                    last_id, failures = event.id or last_id, 0
                    if event.event == "done":
                        final: Status = event.json()
                        return final
                    self._tell(event)
            except UnreachableError:
                failures += 1
                if failures > _MOST_FAILURES:
                    raise
            await asyncio.sleep(_PAUSE_S)  # the API may be starting anew: go on after what we have seen

    async def _events(self, http: httpx.AsyncClient, message_id: str, last_id: str) -> AsyncIterator[ServerSentEvent]:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        try:
            async with aconnect_sse(http, "GET", f"/api/messages/{message_id}/events", headers=headers) as source:
                if not source.response.is_success:
                    raise _StreamUnavailableError
                async for event in source.aiter_sse():
                    yield event
        except SSEError:
            raise _StreamUnavailableError from None
        except httpx.HTTPError as error:
            raise unreachable(self.address, error) from None

    def _tell(self, event: ServerSentEvent) -> None:
        if event.event == "status":
            self.watcher.on_status(event.json())
        elif event.event == "delta":
            self.watcher.on_text(event.json()["text"])
        elif event.event == "reset":
            self.watcher.on_reset()

    async def _ask(self, http: httpx.AsyncClient, message_id: str) -> Status:
        while True:
            status = await self._status(http, message_id)
            if status["status"] in TERMINAL:
                return status
            self.watcher.on_status(status)
            await asyncio.sleep(_PAUSE_S)

    async def _status(self, http: httpx.AsyncClient, message_id: str) -> Status:
        try:
            reply = await http.get(f"/api/messages/{message_id}/status", params={"wait": _WAIT_S})
        except httpx.HTTPError as error:
            raise unreachable(self.address, error) from None
        if not reply.is_success:
            raise refusal(reply)
        status: Status = reply.json()
        return status
