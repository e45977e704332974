"""Statements that run when whoever asked for them goes."""

import asyncio
import logging

from sqlalchemy import Connection, text

from relais.store.engine import make_async_engine
from relais_api.database import Database
from support.waiting import wait_until

_SLEEPING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")


def test_a_stop_leaves_a_cut_short_statement_the_time_to_be_cancelled(database_url, engine, caplog):
    """The statement is cancelled in the server, and the log of an orderly stop has no warning of the driver's."""

    def sleeping() -> int:
        with engine.connect() as conn:
            return int(conn.execute(_SLEEPING).scalar_one())

    def sleep(conn: Connection) -> None:
        conn.execute(text("SELECT pg_sleep(60)"))

    async def serve_and_stop() -> None:
        database = Database(make_async_engine(database_url, pool_size=1), patience_s=30.0)
        reading = asyncio.create_task(database.read(sleep))
        await asyncio.to_thread(wait_until, sleeping, 10, "the statement runs")
        reading.cancel()
        await asyncio.wait({reading})
        await database.close()

    with caplog.at_level(logging.WARNING):
        asyncio.run(serve_and_stop())
    assert [record.getMessage() for record in caplog.records] == []
    wait_until(lambda: not sleeping(), 10, "the statement is over")
