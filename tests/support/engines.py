"""The end of a pool whose connections other threads may still hold."""

from sqlalchemy import Engine, QueuePool

from support.waiting import wait_until


def dispose(engine: Engine, timeout_s: float = 20.0) -> None:
    """Close a pool once every connection is back: one that came back later would stay open for nobody.

    Raises:
        AssertionError: one was never given back.
    """
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    wait_until(lambda: not pool.checkedout(), timeout_s, f"all connections are back: {pool.status()}")
    engine.dispose()
