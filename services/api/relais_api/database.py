"""Runs the store's functions on the asynchronous pool, within a time that a request can afford."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Statement = Callable[Concatenate[Connection, P], T]

_FAREWELL_S = 1.0


class DatabaseAwayError(Exception):
    """The database can't be reached, has no free connection, or is too slow; the same call may succeed later."""


class Database:
    """The one way of the API to the store.

    Args:
        engine: its pool; `pool_timeout` bounds the wait for a connection.
        patience_s: longest that a call may take altogether, also when the server is frozen and drops nothing.
    """

    def __init__(self, engine: AsyncEngine, *, patience_s: float) -> None:
        self._engine = engine
        # Reads are single statements, each its own snapshot: without BEGIN and ROLLBACK they cost one round trip.
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshots = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._patience_s = patience_s
        self._abandoned: set[asyncio.Task[Any]] = set()
        self._up = True

    async def read(self, function: Statement[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of the store that changes nothing.

        Raises:
            DatabaseAwayError: no answer within the time.
        """
        return await self._within_patience(self._read(function, *args, **kwargs))

    async def snapshot(self, function: Statement[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of the store that changes nothing, and whose statements must all see one state.

        Raises:
            DatabaseAwayError: no answer within the time.
        """
        return await self._within_patience(self._read_snapshot(function, *args, **kwargs))

    async def write(self, function: Statement[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of the store in a transaction of its own.

        Raises:
            DatabaseAwayError: no answer within the time; the transaction may have been committed all the same.
        """
        return await self._within_patience(self._write(function, *args, **kwargs))

    async def close(self) -> None:
        """Close the pool, once the statements that were cut short are over, or won't be soon."""
        if self._abandoned:  # the end of the loop would cancel them once more, in the middle of their cancellation
            await asyncio.wait(self._abandoned, timeout=_FAREWELL_S)
        await self._engine.dispose()

    async def _read(self, function: Statement[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._reader.connect() as conn:
            return await conn.run_sync(function, *args, **kwargs)

    async def _read_snapshot(self, function: Statement[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._snapshots.begin() as conn:
            return await conn.run_sync(function, *args, **kwargs)

    async def _write(self, function: Statement[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._engine.begin() as conn:
            return await conn.run_sync(function, *args, **kwargs)

    async def _within_patience(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=self._patience_s)
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        if not task.done():
            self._abandon(task)
            raise self._away("no answer in time")
        try:
            result = task.result()
        except (OperationalError, InterfaceError, PoolTimeoutError) as error:
            raise self._away(_cause(error)) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise self._away(_cause(error)) from error
            raise
        self._note(up=True)
        return result

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        # Not awaited: psycopg waits for the server to confirm a cancellation, which a frozen one never does.
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        task.cancel()

    def _away(self, reason: str) -> DatabaseAwayError:
        self._note(up=False, reason=reason)
        return DatabaseAwayError(reason)

    def _note(self, *, up: bool, reason: str | None = None) -> None:
        if up != self._up:
            log.warning("database.up" if up else "database.away", reason=reason)
        self._up = up


def _cause(error: DBAPIError | PoolTimeoutError) -> str:
    """The first line of what the driver says, which names host, port and user, never a password nor a value."""
    if isinstance(error, PoolTimeoutError):
        return "no free connection in the pool"
    said = str(error.orig).strip().partition("\n")[0]
    return said or type(error).__name__
