"""What a claim costs when many wait, counted in pages that PostgreSQL touches."""

import json

import pytest
from sqlalchemy import Engine, text

from relais.store import claim, sweep
from relais.store.pausing import pause_agent, pause_queue
from support.seeding import accept_many, make_agent, make_worker

_WAITING = 8_000


def _pages(engine: Engine, statement: str, **values: object) -> int:
    with engine.connect() as conn:
        found = conn.execute(text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"), values).scalar_one()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.fixture
def long_line(engine: Engine) -> None:
    """Thousands wait, and PostgreSQL has counted them."""
    agent = make_agent(engine, slug="long")
    for _ in range(8):
        accept_many(engine, agent, _WAITING // 8)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE jobs"))


@pytest.mark.usefixtures("long_line")
def test_a_claim_costs_the_same_however_many_wait(engine: Engine):
    """The first job in line is found without a look at the others."""
    values = {"queue": "ai-messages", "worker_id": make_worker(engine), "lease_s": 20}
    assert _pages(engine, claim._CLAIM.text, **values) < 1_000


@pytest.mark.usefixtures("long_line")
def test_the_count_for_tokens_stops_at_its_limit(engine: Engine):
    """The sweeper, which asks every second, looks at no more jobs than it announces."""
    assert _pages(engine, sweep._COUNT_ELIGIBLE.text, queue="ai-messages", limit=100) < 2_000


@pytest.mark.usefixtures("long_line")
def test_a_claim_behind_a_paused_agent_costs_the_same(engine: Engine):
    """A paused agent that holds the whole head of the line is passed in one step, whether anybody waits behind or not.

    The sweeper's count agrees with the claim, so that it publishes no tokens for what nobody may take.
    """
    values = {"queue": "ai-messages", "worker_id": make_worker(engine), "lease_s": 20}
    with engine.begin() as conn:
        pause_agent(conn, "long")
        assert sweep.count_eligible(conn, queue="ai-messages", limit=100) == 0
    assert _pages(engine, claim._CLAIM.text, **values) < 1_000
    assert _pages(engine, sweep._COUNT_ELIGIBLE.text, queue="ai-messages", limit=100) < 1_000
    accept_many(engine, make_agent(engine), 3)
    with engine.begin() as conn:
        assert sweep.count_eligible(conn, queue="ai-messages", limit=100) == 3
    assert _pages(engine, claim._CLAIM.text, **values) < 1_000


@pytest.mark.usefixtures("long_line")
def test_a_paused_line_is_not_walked(engine: Engine):
    """A pause makes the line grow, and tokens go on arriving: neither a claim nor the sweeper reads a row of it."""
    with engine.begin() as conn:
        pause_queue(conn, "ai-messages")
    values = {"queue": "ai-messages", "worker_id": make_worker(engine), "lease_s": 20}
    assert _pages(engine, claim._CLAIM.text, **values) < 100
    assert _pages(engine, sweep._COUNT_ELIGIBLE.text, queue="ai-messages", limit=100) < 100
