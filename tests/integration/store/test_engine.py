"""The limits of a connection: nobody hangs on a peer that is gone."""

from sqlalchemy import Engine, text


def test_both_ends_notice_a_peer_that_vanished(engine: Engine):
    """A lost host is noticed in seconds by the client, also with a statement on its way, and by the server."""
    with engine.begin() as conn:
        assert conn.connection.dbapi_connection.info.get_parameters()["tcp_user_timeout"] == "10000"
        found = conn.execute(text("SELECT count(*) FROM pg_settings WHERE name LIKE 'tcp%' AND source = 'client'"))
        assert found.scalar_one() == 4
