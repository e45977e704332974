"""Tells a database that is away from one that refuses a statement."""

from sqlalchemy.exc import DBAPIError

# Connection exceptions, and what a server says that shuts down, crashed or starts up.
_OUTAGE_CLASSES = ("08", "57P")


def is_outage(error: DBAPIError) -> bool:
    """Tell whether the connection is lost or could not be made, rather than a statement refused.

    psycopg gives no SQLSTATE when no server spoke: the address doesn't answer, or the connection broke.
    """
    sqlstate = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or sqlstate is None or sqlstate.startswith(_OUTAGE_CLASSES)
