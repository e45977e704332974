"""The database's clock: ages are told by it alone, since the hosts' clocks differ."""

from sqlalchemy import Connection, text

_NOW = text("SELECT extract(epoch FROM now())::float")


def read_clock(conn: Connection) -> float:
    """Seconds since 1970 at the beginning of the transaction."""
    return float(conn.execute(_NOW).scalar_one())
