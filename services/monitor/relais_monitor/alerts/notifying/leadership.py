"""Decides which of several monitors notifies."""

from contextlib import ExitStack

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relais.store.notifying import still_notifies, try_to_notify


class Leadership:
    """A lock in the database, held for as long as this monitor's connection lives. One thread at a time.

    While the database is away nobody can know. Who notified before goes on, since somebody has to tell that it is away;
    so does a monitor that was started meanwhile, since two messages are better than none.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._conn: Connection | None = None
        self._leads = True

    def leads(self) -> bool:
        """Tell whether this monitor notifies."""
        try:
            if self._conn is not None:
                still_notifies(self._conn)
            else:
                self._leads = self._try()
        except (DBAPIError, PoolTimeoutError):
            self._let_go()
        return self._leads

    def close(self) -> None:
        """Let another monitor notify."""
        self._let_go()

    def _try(self) -> bool:
        conn = self._engine.connect()
        with ExitStack() as ends:
            ends.callback(conn.close)
            if not try_to_notify(conn):
                return False
            ends.pop_all()
        self._conn = conn
        return True

    def _let_go(self) -> None:
        if self._conn is not None:
            self._conn.invalidate()  # closes it, and with it frees the lock, rather than hand it back to the pool
            self._conn.close()
            self._conn = None
