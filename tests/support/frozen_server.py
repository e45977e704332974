"""A PostgreSQL server whose processes don't run."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
from sqlalchemy import Engine, text


@contextmanager
def frozen(engine: Engine) -> Iterator[None]:
    """Stop every process of the server: it drops no connection, accepts new ones, and answers nothing."""
    with engine.connect() as conn:
        # Within the connection: its backend, which leads to the server, may end with it.
        server = psutil.Process(conn.execute(text("SELECT pg_backend_pid()")).scalar_one()).parent()
    server.suspend()  # first, so that it starts no other process
    children = server.children(recursive=True)
    try:
        for process in children:
            with suppress(psutil.NoSuchProcess):  # a backend ended meanwhile
                process.suspend()
        yield
    finally:
        for process in [*children, server]:
            with suppress(psutil.NoSuchProcess):
                process.resume()
