"""Keeps one snapshot of the lines fresh while somebody asks for it."""

import asyncio
import time
from contextlib import suppress

from relais.store.line import Lines, read_lines
from relais_api.database import Database, DatabaseAwayError

_REFRESH_S = 0.3
_STALE_S = 1.5
_IDLE_S = 2.0
_FIRST_READ_S = 0.5


class LineView:
    """Reads the lines every 300 ms for all clients together, and rests when nobody asked for two seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines: Lines | None = None
        self._read_at = 0.0
        self._asked_at = 0.0
        self._refreshing: asyncio.Task[None] | None = None
        self._first_read = asyncio.Event()

    async def current(self) -> Lines | None:
        """Give a snapshot that is a second old at most; None while the database can't be read."""
        self._asked_at = time.monotonic()
        if self._refreshing is None:
            self._first_read.clear()
            self._refreshing = asyncio.create_task(self._keep_fresh())
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_READ_S):
                await self._first_read.wait()
        return self._lines if time.monotonic() - self._read_at < _STALE_S else None

    def close(self) -> None:
        """End the refreshing."""
        if self._refreshing is not None:
            self._refreshing.cancel()

    async def _keep_fresh(self) -> None:
        try:
            while time.monotonic() - self._asked_at < _IDLE_S:
                await self._refresh()
                self._first_read.set()
                await asyncio.sleep(_REFRESH_S)
        finally:
            self._first_read.set()
            self._refreshing = None

    async def _refresh(self) -> None:
        began_at = time.monotonic()
        try:
            self._lines = await self._database.read(read_lines)
        except DatabaseAwayError:
            return  # unknown is absent: the snapshot grows stale and positions become null
        self._read_at = began_at
