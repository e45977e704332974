"""Limits how long a statement may wait for its answer, on the client's own clock.

The server's `statement_timeout` says nothing while the server is frozen, and TCP's timeouts say nothing while a kernel
or a proxy acknowledges for a process that never reads: a statement on its way would be waited for without an end.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen


class LimitedConnection(psycopg.Connection[Any]):
    """A connection that breaks when the server leaves it without an answer for longer than `answer_limit_s`."""

    answer_limit_s = 20.0

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """See `psycopg.Connection.wait`.

        Raises:
            psycopg.OperationalError: no answer in time. The connection is closed then: an answer that comes later
                would be taken for that of the next statement.
        """
        limit_s = self.answer_limit_s if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit_s)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 -- psycopg 3.3 offers this limit in no public method
            if timeout is not None:
                raise
            self.close()
            raise psycopg.OperationalError(f"no answer from PostgreSQL within {limit_s:g} s") from None


class LimitedAsyncConnection(psycopg.AsyncConnection[Any]):
    """The same for asyncio."""

    answer_limit_s = 20.0

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109 -- psycopg's signature
        """See `LimitedConnection.wait`."""
        limit_s = self.answer_limit_s if timeout is None else timeout
        try:
            return await super().wait(gen, interval, limit_s)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 -- psycopg 3.3 offers this limit in no public method
            if timeout is not None:
                raise
            await self.close()
            raise psycopg.OperationalError(f"no answer from PostgreSQL within {limit_s:g} s") from None


def connect_with_limit(answer_limit_s: float) -> Callable[..., LimitedConnection]:
    """Make the listener for SQLAlchemy's `do_connect` that opens connections with this limit."""

    def connect(_dialect: object, _record: object, args: tuple[Any, ...], options: dict[str, Any]) -> LimitedConnection:
        conn = LimitedConnection.connect(*args, **options)
        conn.answer_limit_s = answer_limit_s
        return conn

    return connect


def connect_async_with_limit(answer_limit_s: float) -> Callable[..., Awaitable[LimitedAsyncConnection]]:
    """Make the function that opens asynchronous connections with this limit."""

    async def connect(*args: Any, **options: Any) -> LimitedAsyncConnection:
        conn = await LimitedAsyncConnection.connect(*args, **options)
        conn.answer_limit_s = answer_limit_s
        return conn

    return connect
