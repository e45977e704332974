"""Worker processes that are killed again and again, or started before their database."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from relais.store.engine import make_engine
from relais_cli.parts.postgres import EmbeddedPostgres
from support.seeding import accept_many, make_agent, state_of
from support.stack import Stack, stopping
from support.waiting import wait_until


@pytest.fixture
def stack(database_url: str, amqp_url: str, model_server, tmp_path: Path) -> Iterator[Stack]:
    """The services as processes."""
    with stopping(Stack(tmp_path, database_url, amqp_url, model_server.url)) as stack:
        yield stack


def _holder(engine: Engine, attempt: int) -> int:
    """The process that runs the attempt; 0 while none does."""
    with engine.begin() as conn:
        found = conn.execute(
            text("""SELECT w.name FROM jobs j JOIN workers w ON w.id = j.worker_id
                    WHERE j.state = 'processing' AND j.attempt = :attempt"""),
            {"attempt": attempt},
        ).scalar_one_or_none()
    return int(found.rsplit(":", 1)[1]) if found else 0


def test_a_message_that_kills_its_worker_three_times_fails(engine: Engine, stack: Stack, model_faults):
    """Each killed attempt counts, since it was counted before any work; after the last one the message says why."""
    model_faults.inject(first_token_delay_s=60.0)
    (poison,) = accept_many(engine, make_agent(engine, allow_ungrounded=True), 1)
    stack.start_sweeper()
    for attempt in (1, 2, 3):
        stack.start_worker()
        process = wait_until(lambda n=attempt: _holder(engine, n), 60, f"attempt {attempt} runs")
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: state_of(engine, poison) == "failed", 60, "failed")
    with engine.begin() as conn:
        job = conn.execute(text("SELECT attempt, error_code, error FROM jobs")).one()
        events = [row[0] for row in conn.execute(text("SELECT transition FROM job_events ORDER BY id"))]
    assert job == (3, "worker_lost", "The worker died while it worked on this.")
    assert [event for event in events if event in {"claim", "expire", "expire_spent"}] == [
        "claim", "expire", "claim", "expire", "claim", "expire_spent",
    ]  # fmt: skip


@pytest.mark.parametrize("module", ["relais_worker", "relais_worker.sweeper"])
def test_a_process_that_starts_before_its_database_waits_for_it(
    private_postgres: EmbeddedPostgres, amqp_url: str, model_server, tmp_path: Path, module: str
):
    """It says that it waits, and works once the database is there."""
    private_postgres.stop()
    with stopping(Stack(tmp_path, private_postgres.url(), amqp_url, model_server.url)) as stack:
        service = stack.start(module)
        wait_until(lambda: "start.waits_for_database" in service.log.read_text(), 60, "it says so")
        private_postgres.start()
        engine = make_engine(private_postgres.url(), pool_size=1)
        shows = "SELECT count(*) FROM " + ("heartbeats" if "sweeper" in module else "workers")
        wait_until(lambda: _count(engine, shows) > 0, 60, "it works")
        engine.dispose()
        assert service.stop() == 0


def _count(engine: Engine, statement: str) -> int:
    with engine.begin() as conn:
        return int(conn.execute(text(statement)).scalar_one())
