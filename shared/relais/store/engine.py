"""Connections to PostgreSQL with the limits that a queue needs."""

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from relais.store.answer_limit import connect_async_with_limit, connect_with_limit

# A pinned snapshot kills a queue table (dead rows can't be vacuumed) and a lost client must not hold locks.
_SESSION_LIMITS = {
    "idle_in_transaction_session_timeout": "10s",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    # A client that vanished without a word is gone after 20 s, and with it what it locked; by default, after two hours.
    "tcp_user_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
}


def sqlalchemy_url(url: str) -> str:
    """Name the driver: `postgresql://…` becomes `postgresql+psycopg://…`; other spellings stay."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _options(*, pool_size: int, pool_timeout_s: float, application_name: str) -> dict[str, Any]:
    settings = " ".join(f"-c {name}={value}" for name, value in _SESSION_LIMITS.items())
    return {
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": pool_timeout_s,
        "pool_pre_ping": True,
        "hide_parameters": True,  # errors go into logs, texts must not
        "connect_args": {
            "application_name": application_name,
            "options": settings,
            "connect_timeout": max(2, int(pool_timeout_s)),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            # Keepalives pause while a statement is on its way: to a host that vanished it would be sent for 15 min.
            "tcp_user_timeout": 10_000,  # ms
        },
    }


def make_engine(
    url: str,
    *,
    pool_size: int,
    pool_timeout_s: float = 3.0,
    application_name: str = "relais",
    answer_limit_s: float = 20.0,
) -> Engine:
    """Make a pool of at most `pool_size` connections; nothing connects yet.

    A request that waits longer than `pool_timeout_s` seconds for one gets `sqlalchemy.exc.TimeoutError`. A statement
    that isn't answered within `answer_limit_s` seconds raises `sqlalchemy.exc.OperationalError` and costs its
    connection: the default is above the server's own limit, so it strikes only when the server is frozen or cut off.
    """
    engine = create_engine(
        sqlalchemy_url(url),
        **_options(pool_size=pool_size, pool_timeout_s=pool_timeout_s, application_name=application_name),
    )
    event.listen(engine, "do_connect", connect_with_limit(answer_limit_s))
    return engine


def make_async_engine(
    url: str,
    *,
    pool_size: int,
    pool_timeout_s: float = 3.0,
    application_name: str = "relais",
    answer_limit_s: float = 20.0,
) -> AsyncEngine:
    """The same pool for asyncio; the store's functions run on it through `AsyncConnection.run_sync`."""
    options = _options(pool_size=pool_size, pool_timeout_s=pool_timeout_s, application_name=application_name)
    options["connect_args"]["async_creator_fn"] = connect_async_with_limit(answer_limit_s)
    return create_async_engine(sqlalchemy_url(url), **options)
