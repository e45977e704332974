"""Transactions that only read, see one state of the database, and give up in time."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

_LIMIT = text("SELECT set_config('statement_timeout', :limit, true)")
_CANCELLED = "57014"


@contextmanager
def reading(engine: Engine, *, limit_s: float) -> Iterator[Connection]:
    """Give a connection in a read-only snapshot; a statement that takes longer than `limit_s` is cancelled."""
    with engine.connect() as conn:
        conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with conn.begin():
            conn.execute(_LIMIT, {"limit": f"{limit_s * 1000:.0f}ms"})
            yield conn


def took_too_long(error: DBAPIError) -> bool:
    """Tell whether the statement was cancelled because of its limit, on a database that works."""
    return getattr(error.orig, "sqlstate", None) == _CANCELLED
