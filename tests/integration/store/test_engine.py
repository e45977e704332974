"""The limits of a connection: nobody hangs on a peer that is gone."""

import time

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, OperationalError

from relais.store.engine import make_engine
from support.proxy import Proxy


def test_both_ends_notice_a_peer_that_vanished(engine: Engine):
    """A lost host is noticed in seconds by the client, also with a statement on its way, and by the server."""
    with engine.begin() as conn:
        assert conn.connection.dbapi_connection.info.get_parameters()["tcp_user_timeout"] == "10000"
        found = conn.execute(text("SELECT count(*) FROM pg_settings WHERE name LIKE 'tcp%' AND source = 'client'"))
        assert found.scalar_one() == 4


def test_a_frozen_server_is_given_up_after_the_answer_limit(database_url: str):
    """Bytes that are acknowledged and never read hang no thread; when the server thaws, the pool works again."""
    proxy = Proxy(database_url).start()
    engine = make_engine(proxy.reroute(database_url), pool_size=1, answer_limit_s=2.0)
    with engine.connect() as conn:
        conn.execute(text("SELECT 1"))
        proxy.freeze()
        started_at = time.monotonic()
        with pytest.raises(OperationalError, match=r"no answer from PostgreSQL within 2 s"):
            conn.execute(text("SELECT 2"))
        assert 1.9 < time.monotonic() - started_at < 10
    proxy.pass_on()
    with engine.connect() as conn:
        assert conn.execute(text("SELECT 3")).scalar_one() == 3
    engine.dispose()
    proxy.stop()


def test_a_slow_answer_within_the_limit_is_waited_for(database_url: str):
    """The limit is on the wait for an answer, not on the polls of the wait."""
    engine = make_engine(database_url, pool_size=1, answer_limit_s=2.0)
    with engine.connect() as conn:
        assert conn.execute(text("SELECT 1 FROM pg_sleep(0.6)")).scalar_one() == 1
    engine.dispose()


def test_what_a_statement_was_to_store_is_in_no_error(database_url: str):
    """An error goes into logs; a message's text that PostgreSQL refuses must not go with it."""
    engine = make_engine(database_url, pool_size=1)
    with engine.connect() as conn, pytest.raises(DataError) as refused:
        conn.execute(text("SELECT CAST(:content AS text)"), {"content": "my secret\x00"})
    assert "NUL" in str(refused.value)
    assert "my secret" not in str(refused.value) + str(refused.value.orig)
    engine.dispose()
