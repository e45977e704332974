"""The migrations and the tables agree."""

import io
import logging

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from relais.lifecycle import State
from relais.store.migrate import _config, current_revision, head_revision, upgrade
from relais.store.schema import metadata
from relais.telemetry import configure_logging
from support.past import make_ended, move_all
from support.seeding import accept_many, make_agent, make_worker


def test_the_migrations_make_exactly_the_tables_of_the_schema(engine: Engine):
    """A migrated database has no difference to `relais.store.schema`."""
    with engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_migrating_twice_changes_nothing(database_url: str, engine: Engine):
    """`migrate` may run at every start, from several processes."""
    assert upgrade(database_url) == head_revision()
    with engine.connect() as conn:
        assert current_revision(conn) == head_revision()


def test_a_step_back_keeps_the_past_jobs(engine: Engine):
    """Who goes back to the schema before them finds every job where it was."""
    agent, worker = make_agent(engine), make_worker(engine)
    jobs = [*make_ended(engine, agent, worker, [State.COMPLETED, State.FAILED]), *accept_many(engine, agent, 1)]
    move_all(engine)
    with engine.begin() as conn:
        command.downgrade(_config(conn), "0003")
        assert set(conn.execute(text("SELECT id FROM jobs")).scalars()) == set(jobs)


def test_asking_for_the_revision_says_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """Readiness asks every few seconds: the logs of a healthy API don't grow by it."""
    said = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    configure_logging(handler=logging.StreamHandler(said))
    with engine.connect() as conn:
        current_revision(conn)
    assert said.getvalue() == ""


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE jobs SET state = 'lost'",
        "UPDATE jobs SET state = 'processing'",
        "UPDATE jobs SET state = 'completed'",
        "UPDATE jobs SET state = 'failed', finished_at = now()",
        "UPDATE jobs SET attempt = attempt_limit + 1",
    ],
)
def test_the_database_refuses_what_the_lifecycle_forbids(engine: Engine, write: str):
    """Constraints hold against a write that bypasses the store."""
    accept_many(engine, make_agent(engine), 1)
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(text(write))


def test_a_message_has_at_most_one_answer(engine: Engine):
    """The primary key of `answers` is the message: a second answer can't be stored, whoever tries."""
    job = accept_many(engine, make_agent(engine), 1)[0]
    insert = text("""INSERT INTO answers (message_id, attempt, content, citations, grounded, model, evidence)
                     VALUES (:id, 1, 'a', '[]', true, 'm', '{}')""")
    with engine.begin() as conn:
        conn.execute(insert, {"id": job})
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(insert, {"id": job})
