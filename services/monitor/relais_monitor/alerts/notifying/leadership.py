"""Decides which of several monitors notifies."""

from contextlib import ExitStack, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.store.notifying import still_notifies, try_to_notify


class Leadership:
    """A lock in the database, held for as long as this monitor's connection lives. One thread at a time.

    While the database is away nobody can know. Who led before goes on, and so does a monitor that was started
    meanwhile; that the database is away every monitor tells (see `Desk`), since two messages are better than none.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._conn: Connection | None = None
        self._leads = True

    def leads(self, *, database_up: bool) -> bool:
        """Tell whether this monitor leads; a database that is away isn't asked, since that may take long."""
        if database_up:
            self._check()
            self._take()
        return self._leads

    def close(self) -> None:
        """Let another monitor notify."""
        self._let_go()

    def _check(self) -> None:
        if self._conn is None:
            return
        try:
            still_notifies(self._conn)
        except DBAPIError:
            self._let_go()

    def _take(self) -> None:
        if self._conn is not None:
            return
        with suppress(DBAPIError, PoolTimeoutError), ExitStack() as ends:
            conn = ends.enter_context(self._engine.connect())
            self._leads = try_to_notify(conn)
            if self._leads:
                self._conn = conn
                ends.pop_all()

    def _let_go(self) -> None:
        if self._conn is not None:
            self._conn.invalidate()  # closes it, and with it frees the lock, rather than hand it back to the pool
            self._conn.close()
            self._conn = None
