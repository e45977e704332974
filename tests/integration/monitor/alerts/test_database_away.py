"""The alert that the database is down has to be told without it."""

from sqlalchemy import text

from relais.store.engine import make_engine
from relais_monitor.alerts.instance import Phase
from support.waiting import wait_until

DOWN = "RelaisDatabaseDown"


def test_is_told_without_the_database_and_resolved_with_it(make_watch, private_postgres, receiver):
    """Who notified before goes on; what was known before stays as it was, and all is well afterwards."""
    engine = make_engine(private_postgres.url(), pool_size=1)
    with engine.begin() as conn:
        conn.execute(text("INSERT INTO heartbeats (part, ran_at) VALUES ('sweeper', now() + interval '1 day')"))
    engine.dispose()
    watched = make_watch(private_postgres.url())
    watched.look()
    assert watched.phases() == {}
    private_postgres.stop()
    watched.look()
    assert watched.phases() == {DOWN: Phase.PENDING}
    watched.look(after_s=31)
    wait_until(lambda: receiver.events() == [("alert.firing", DOWN)], message="told")
    private_postgres.start()
    wait_until(lambda: watched.look() or watched.watch.board.database_up, message="the database is back")
    wait_until(lambda: receiver.events()[1:] == [("alert.resolved", DOWN)], message="told the end")
    assert watched.watch.notifies
