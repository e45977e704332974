"""The alert that the database is down has to be told without it."""

from sqlalchemy import text

from relais.store.engine import make_engine
from relais_monitor.alerts.instance import Phase
from support.seeding import accept_many, make_agent
from support.waiting import wait_until

DOWN = "RelaisDatabaseDown"


def _sweeper_runs(private_postgres):
    """So that the outage is the only alert."""
    engine = make_engine(private_postgres.url(), pool_size=1)
    with engine.begin() as conn:
        conn.execute(text("INSERT INTO heartbeats (part, ran_at) VALUES ('sweeper', now() + interval '1 day')"))
    engine.dispose()


def test_is_told_without_the_database_and_resolved_with_it(make_watch, private_postgres, receiver):
    """Who notified before goes on; what was known before stays as it was, and all is well afterwards."""
    _sweeper_runs(private_postgres)
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


def test_is_told_by_who_never_led_when_the_leader_is_gone_with_it(make_watch, private_postgres, receiver):
    """The monitor that notified died together with the database: another one tells the outage, and nothing else."""
    _sweeper_runs(private_postgres)
    engine = make_engine(private_postgres.url(), pool_size=1)
    accept_many(engine, make_agent(engine), 1)
    engine.dispose()
    first, second = make_watch(private_postgres.url()), make_watch(private_postgres.url())
    for watched in (first, second):
        watched.look()
        watched.look(after_s=61)
    wait_until(lambda: receiver.events() == [("alert.firing", "RelaisNoWorker")], message="told by the first")
    assert not second.watch.notifies
    second.look(after_s=61)
    first.watch._desk.stop()
    private_postgres.stop()
    second.look()
    second.look(after_s=31)
    wait_until(lambda: receiver.events()[1:] == [("alert.firing", DOWN)], message="told by the second")
    assert second.watch.notifies
