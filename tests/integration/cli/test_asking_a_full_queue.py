"""`relais ask` and the limits of the line: it waits as long as it is told, says so, and asks once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from relais.broker import make_broker
from relais.store.settle import settle_completed
from relais_api.main import make_server
from support.api import TOKEN, Api, serving, settings
from support.seeding import accept_many, answer, claim, make_agent, make_worker
from support.waiting import wait_until


@pytest.fixture
def full(database_url: str, engine: Engine) -> Iterator[Api]:
    """An API with an agent of whose messages one may wait, and one waits; a worker took 0.1 s for the last."""
    agent = make_agent(engine, token=TOKEN, max_waiting=1)
    accept_many(engine, agent, 1)
    _work(engine)
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET started_at = finished_at - interval '0.1 seconds'"))
    accept_many(engine, agent, 1)
    with serving(make_server(settings(database_url), make_broker("memory://"))) as client:
        yield Api(client, engine, None)


def _work(engine: Engine) -> None:
    """Answer the next message."""
    job = claim(engine, make_worker(engine))
    with engine.begin() as conn:
        settle_completed(conn, job.id, job.attempt, answer())


def _ask(api: Api, folder: Path, *options: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "relais_cli", "ask", "Second?", "--token", TOKEN, "--json", *options],
        env=environment | {"RELAIS_API_URL": str(api.http.base_url), "RELAIS_HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


def test_a_full_queue_is_waited_for(full: Api, tmp_path: Path) -> None:
    """The reason and the pause stand on stderr; once a place is free the question is accepted, and answered once."""
    with _ask(full, tmp_path) as asking:
        told = asking.stderr.readline()
        assert "The line of this agent is full: 1 waiting, 1 allowed." in told
        _work(full.engine)
        wait_until(lambda: _waiting(full.engine) == 1, 60, "the question found its place")
        _work(full.engine)
        rest = asking.stderr.read()
        assert asking.wait(30) == 0
    assert "Trying again in" in told + rest
    with full.engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM messages WHERE content = 'Second?'")).scalar_one() == 1


def test_a_full_queue_is_not_waited_for_longer_than_the_timeout(full: Api, tmp_path: Path) -> None:
    """With too little time left for another attempt it ends with the reason."""
    with full.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET started_at = finished_at - interval '20 seconds' WHERE state = 'completed'"))
    with _ask(full, tmp_path, "--timeout", "5") as asking:
        assert asking.wait(60) == 1
        assert "The line of this agent is full: 1 waiting, 1 allowed." in asking.stderr.read()


def _waiting(engine: Engine) -> int:
    with engine.connect() as conn:
        return int(conn.execute(text("SELECT count(*) FROM jobs WHERE state IN ('pending', 'queued')")).scalar_one())
