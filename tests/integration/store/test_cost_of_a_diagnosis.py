"""What a diagnosis costs when much waits and much has ended, counted in pages that PostgreSQL touches."""

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event, text

from support.diagnosing import all_well, facts_of, sql
from support.seeding import accept_many, make_agent, make_worker

_WAITING = 6_000
_ENDED = 12_000
# Jobs that ended, each with its entry in the ledger; few of them recently.
_END = """
WITH ended AS (
    INSERT INTO jobs (id, kind, queue, agent_id, subject_id, serial_key, priority, ticket, claimed_ticket, state,
                      attempt, attempt_limit, worker_id, error_code, started_at, finished_at)
    SELECT gen_random_uuid(), 'answer', 'ai-messages', :agent, gen_random_uuid(), gen_random_uuid(), 1, i, i,
           :state, 1, 3, 1, CASE WHEN :state = 'failed' THEN 'model_missing' END, now() - i * interval '1 minute',
           now() - i * interval '1 minute'
    FROM generate_series(1, :number) i
    RETURNING id)
INSERT INTO job_events (job_id, transition, to_state, attempt) SELECT id, 'complete', :state, 1 FROM ended"""


def _pages(engine: Engine) -> int:
    """Explain every statement of a diagnosis; sum up."""
    statements: list[tuple[str, Any]] = []

    def note(_conn: Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    facts_of(engine)
    event.remove(engine, "before_cursor_execute", note)
    assert len(statements) > 10
    with engine.connect() as conn:
        return sum(_pages_of(conn, statement, parameters) for statement, parameters in statements)


def _pages_of(conn: Connection, statement: str, parameters: Any) -> int:
    if not statement.lstrip().startswith(("SELECT", "WITH")):
        return 0
    found = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters).scalar_one()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _counted(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE"))


@pytest.fixture
def busy(engine: Engine) -> UUID:
    """An agent in a system in which thousands wait and thousands have ended, and PostgreSQL has counted them."""
    all_well(engine)
    agent = make_agent(engine)
    make_worker(engine, slots=4)
    for _ in range(6):
        accept_many(engine, agent, _WAITING // 6)
    sql(engine, "INSERT INTO lanes (queue, priority) VALUES ('ai-messages', 1)")
    for state in ("completed", "failed"):
        sql(engine, _END, agent=agent, state=state, number=_ENDED // 4)
    _counted(engine)
    return agent


def test_a_diagnosis_costs_the_same_however_much_has_ended(engine: Engine, busy: UUID) -> None:
    """Four times as much history adds next to nothing."""
    before = _pages(engine)
    for _ in range(3):
        sql(engine, _END, agent=busy, state="completed", number=_ENDED // 4)
    _counted(engine)
    assert _pages(engine) < before * 1.2


def test_a_diagnosis_costs_the_same_however_many_wait(engine: Engine, busy: UUID) -> None:
    """It walks a bounded way along the line, which ends where the line is long enough."""
    before = _pages(engine)
    for _ in range(6):
        accept_many(engine, busy, _WAITING // 6)
    _counted(engine)
    assert _pages(engine) < before * 1.2
