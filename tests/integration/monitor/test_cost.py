"""What a reading costs, counted in pages that PostgreSQL touches: the same however many jobs there are."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from relais.store.settle import settle_completed
from relais_monitor.snapshot import SnapshotReader
from support.old_jobs import fill_finished, fill_waiting
from support.seeding import accept_many, answer, claim, make_agent, make_worker
from support.waiting import wait_until

_FEW, _MANY = 1_000, 30_000
Statement = tuple[str, Any]


@contextmanager
def statements_of(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that run meanwhile, with their values."""
    found: list[Statement] = []

    def note(_conn: Connection, _cursor: object, statement: str, values: Any, *_: object) -> None:
        found.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def pages(engine: Engine, statements: list[Statement]) -> int:
    """The pages that they touch."""
    total = 0
    with engine.connect() as conn:
        for statement, values in statements:
            found = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values).scalar_one()
            plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
            total += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return total


def test_a_reading_costs_the_same_however_many_jobs_there_are(engine):
    """Thirty times the finished jobs and their ledger, then as many that wait: a reading with news touches no more."""
    agent, worker = make_agent(engine), make_worker(engine, slots=5)
    fill_finished(engine, agent, after=0, upto=_FEW)
    few = pages(engine, steady_reading(engine, agent, worker))
    fill_finished(engine, agent, after=_FEW, upto=_MANY)
    many = pages(engine, steady_reading(engine, agent, worker))
    fill_waiting(engine, agent, after=_MANY, upto=2 * _MANY, finished=_MANY)
    waiting = pages(engine, steady_reading(engine, agent, worker))
    assert max(many, waiting) < 1.5 * few + 50, (few, many, waiting)


def _is_counted(reader: SnapshotReader) -> bool:
    return reader._counting is not None and reader._counting.done() and not reader._finished.due(reader._beginning)


def steady_reading(engine: Engine, agent, worker: int) -> list[Statement]:
    """The statements of a reading after a few more jobs finished, by a monitor that knows the rest."""
    reader = SnapshotReader(engine, cache_s=0)
    before = wait_until(lambda: (found := reader.read()) and found.history and found, 60, "the ledger is read")
    # What ended is counted beside the readings, in the same engine, whose statements are listened to below.
    wait_until(lambda: reader.read() and _is_counted(reader), 60, "nothing is counted meanwhile")
    accept_many(engine, agent, 5, priority=-1)
    for _ in range(5):
        job = claim(engine, worker)
        assert job is not None
        with engine.begin() as conn:
            settle_completed(conn, job.id, job.attempt, answer())
    with statements_of(engine) as statements:
        after = reader.read()
    reader.close()
    assert after is not None
    assert after.history is not None
    gained = after.history.totals.count("finished") - before.history.totals.count("finished")
    assert gained == 5
    return statements
