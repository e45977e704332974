"""What the sweeper keeps where, and for how long, by its settings."""

from collections.abc import Iterable
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text

from relais.lifecycle import State
from relais.store.sweep import advance_watermarks, try_sweep_lock
from relais_worker.settings import SweeperSettings
from relais_worker.sweeper.prune import Prune, Retention
from support.past import ended_ago, make_ended
from support.seeding import make_agent, make_worker

DONE, FAILED, CANCELLED = State.COMPLETED, State.FAILED, State.CANCELLED
SECRETS = {"database_url": SecretStr("postgresql://relais@localhost/relais"), "broker_url": SecretStr("memory://")}


def _settings(**changed: object) -> SweeperSettings:
    return SweeperSettings(_env_file=None, **(SECRETS | changed))


@pytest.fixture
def jobs(engine: Engine) -> list[UUID]:
    """Six jobs, two of each terminal state, that the watermark has passed."""
    made = make_ended(
        engine, make_agent(engine), make_worker(engine), [DONE, DONE, FAILED, FAILED, CANCELLED, CANCELLED]
    )
    with engine.begin() as conn:
        advance_watermarks(conn)
    return made


def _ids(engine: Engine, table: str) -> set[UUID]:
    with engine.begin() as conn:
        return set(conn.execute(text(f"SELECT id FROM {table}")).scalars())


def _age(engine: Engine, jobs: Iterable[UUID], *intervals: str) -> None:
    for job, interval in zip(jobs, intervals, strict=True):
        ended_ago(engine, [job], interval)


def test_the_defaults_are_those_of_the_settings():
    """A day and 1,000 completed, a week of failures and cancels, 90 days of conversations, 30 of the ledger."""
    retention = Retention.of(_settings())
    assert retention == Retention(
        completed_hours=24, completed_max=1_000, failed_days=7, cancelled_days=7, days=90, ledger_days=30
    )
    assert retention == Retention()


def test_no_days_keep_conversations_without_end(engine: Engine, jobs: list[UUID]):
    """`RELAIS_RETENTION_DAYS=0` deletes nothing, however old."""
    ended_ago(engine, jobs, "40 years")
    Prune(engine, Retention.of(_settings(retention_days=0)))()
    assert (_ids(engine, "jobs"), _ids(engine, "past_jobs"), _ids(engine, "messages")) == (set(), set(jobs), set(jobs))


def test_each_state_leaves_the_hot_table_at_its_age(engine: Engine, jobs: list[UUID]):
    """Completed after 24 hours, failed and cancelled after 7 days; no text goes by it."""
    _age(engine, jobs, "25 h", "23 h", "8 days", "6 days", "8 days", "6 days")
    Prune(engine, Retention())()
    assert _ids(engine, "past_jobs") == set(jobs[::2])
    assert _ids(engine, "jobs") == set(jobs[1::2])
    assert _ids(engine, "messages") == set(jobs)


def test_completed_beyond_the_number_leave_at_once(engine: Engine, jobs: list[UUID]):
    """The newest stay; failures are not counted."""
    ended_ago(engine, jobs, "2 h")
    Prune(engine, Retention(completed_max=1))()
    assert _ids(engine, "past_jobs") == {jobs[0]}


def test_a_conversation_is_deleted_at_its_age_whatever_the_other_ages(engine: Engine, jobs: list[UUID]):
    """A hot table that keeps longer than the conversation may live doesn't keep it: it is deleted with its texts."""
    _age(engine, jobs, "3 days", "1 day", "3 days", "1 day", "3 days", "1 day")
    Prune(engine, Retention(completed_hours=1_000, failed_days=100, cancelled_days=100, days=2))()
    assert _ids(engine, "every_job") == _ids(engine, "messages") == set(jobs[1::2])
    with engine.begin() as conn:
        assert conn.execute(text("SELECT message_id FROM answers")).scalars().all() == [jobs[1]]


def test_the_ledger_has_an_age_of_its_own(engine: Engine, jobs: list[UUID]):
    """Old entries go, the job and its answer stay."""
    with engine.begin() as conn:
        conn.execute(text("UPDATE job_events SET at = now() - interval '31 days' WHERE transition = 'accept'"))
    Prune(engine, Retention())()
    with engine.begin() as conn:
        left = set(conn.execute(text("SELECT DISTINCT transition FROM job_events")).scalars())
    assert left == {"claim", "complete", "fail", "cancel"}
    assert _ids(engine, "jobs") == set(jobs)


def test_only_one_sweeper_prunes_at_a_time(engine: Engine, jobs: list[UUID]):
    """A second one finds the lock taken and leaves."""
    ended_ago(engine, jobs, "8 days")
    with engine.begin() as other:
        assert try_sweep_lock(other)
        Prune(engine, Retention())()
        assert _ids(engine, "past_jobs") == set()
    Prune(engine, Retention())()
    assert _ids(engine, "past_jobs") == set(jobs)


def test_the_next_round_is_not_at_once(engine: Engine, jobs: list[UUID]):
    """When nothing is left to do, the sweeper looks again after seconds, not each second."""
    prune = Prune(engine, Retention())
    prune()
    ended_ago(engine, jobs, "8 days")
    prune()
    assert _ids(engine, "past_jobs") == set()


def test_much_is_moved_in_several_batches(engine: Engine):
    """Thousands of old jobs, as after an upgrade, are gone from the hot table after a few rounds, each once."""
    agent, count = make_agent(engine), 1_700
    with engine.begin() as conn:
        conn.execute(
            text("""
            INSERT INTO jobs (id, kind, queue, agent_id, subject_id, serial_key, priority, ticket, state, attempt_limit,
                              finished_at)
            SELECT gen_random_uuid(), 'answer', 'ai-messages', :agent, gen_random_uuid(), gen_random_uuid(), 0, n,
                   'cancelled', 3, now() - interval '8 days' FROM generate_series(1, :count) n"""),
            {"agent": agent, "count": count},
        )
    prune = Prune(engine, Retention())
    for _ in range(count // 500 + 1):
        prune()
    assert len(_ids(engine, "past_jobs")) == count
    assert _ids(engine, "jobs") == set()
