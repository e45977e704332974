"""Lets one of several monitors notify, by a lock that PostgreSQL frees when the holder's connection dies."""

from sqlalchemy import Connection, text

_NOTIFY_LOCK = 7_235_004

_TRY_LOCK = text("SELECT pg_try_advisory_lock(:key)")
_ALIVE = text("SELECT 1")


def try_to_notify(conn: Connection) -> bool:
    """Take the lock for as long as this connection lives; False while another monitor has it. May be read-only."""
    return bool(conn.execute(_TRY_LOCK, {"key": _NOTIFY_LOCK}).scalar_one())


def still_notifies(conn: Connection) -> None:
    """Make sure that the connection which holds the lock lives.

    Raises:
        sqlalchemy.exc.DBAPIError: it doesn't, and the lock is free.
    """
    conn.execute(_ALIVE)
