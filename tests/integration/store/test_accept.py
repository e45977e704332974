"""Accepting messages: tickets, idempotency keys, sessions."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import Engine, text

from relais.store.accept import accept_ingestion
from support.seeding import accept, accept_many, make_agent, new_message


def test_tickets_are_gapless_and_in_the_order_of_the_batch(engine: Engine):
    """Each lane numbers its jobs 1, 2, 3 … in the order in which they were accepted."""
    agent = make_agent(engine)
    first = accept(engine, [new_message(agent), new_message(agent, priority=5), new_message(agent)])
    second = accept(engine, [new_message(agent)])
    assert [(row.priority, row.ticket) for row in first + second] == [(0, 1), (5, 1), (0, 2), (0, 3)]


def test_concurrent_batches_leave_no_gap(engine: Engine):
    """Eight clients that accept at once get every ticket once, with none missing."""
    agent = make_agent(engine)
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: accept(engine, [new_message(agent) for _ in range(5)]), range(20)))
    assert sorted(row.ticket for batch in batches for row in batch) == list(range(1, 101))


def test_the_same_key_and_body_is_the_same_message(engine: Engine):
    """A resent request gets the first message back and writes nothing, not even a session."""
    agent = make_agent(engine)
    first = accept(engine, [new_message(agent, idempotency_key="k")])[0]
    again = accept(engine, [new_message(agent, idempotency_key="k")])[0]
    assert (again.outcome, again.message_id, again.session_id) == ("replayed", first.message_id, first.session_id)
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM sessions")).scalar_one() == 1


def test_the_same_key_with_another_body_is_a_conflict(engine: Engine):
    """A key names one request: another body under it is refused, and takes no ticket."""
    agent = make_agent(engine)
    accept(engine, [new_message(agent, "one", idempotency_key="k")])
    assert accept(engine, [new_message(agent, "two", idempotency_key="k")])[0].outcome == "conflict"
    assert accept(engine, [new_message(agent, "three")])[0].ticket == 2


def test_the_same_key_twice_in_one_batch_and_from_many_clients_is_one_message(engine: Engine):
    """However a key races with itself, one message exists."""
    agent = make_agent(engine)
    with ThreadPoolExecutor(8) as pool:
        batches = list(
            pool.map(lambda _: accept(engine, [new_message(agent, idempotency_key="k") for _ in range(2)]), range(8))
        )
    rows = [row for batch in batches for row in batch]
    assert len({row.message_id for row in rows}) == 1
    assert [row.outcome for row in rows].count("accepted") == 1


def test_another_agent_may_use_the_same_key(engine: Engine):
    """Keys are the client's own, within one agent."""
    rows = [accept(engine, [new_message(make_agent(engine), idempotency_key="k")])[0] for _ in range(2)]
    assert [row.outcome for row in rows] == ["accepted", "accepted"]


def test_a_session_of_another_agent_is_unknown(engine: Engine):
    """A session is a capability of the agent that opened it; a foreign or invented id is not told apart."""
    mine, other = make_agent(engine), make_agent(engine)
    session = accept(engine, [new_message(mine)])[0].session_id
    assert accept(engine, [new_message(other, session_id=session)])[0].outcome == "unknown_session"
    assert accept(engine, [new_message(mine, session_id=uuid4())])[0].outcome == "unknown_session"
    assert accept(engine, [new_message(mine, session_id=session)])[0].outcome == "accepted"


def test_every_accepted_job_stands_in_the_ledger(engine: Engine):
    """The ledger begins with the acceptance, in the same commit."""
    accept_many(engine, make_agent(engine), 3)
    with engine.begin() as conn:
        rows = conn.execute(text("SELECT transition, from_state, to_state, attempt FROM job_events")).all()
    assert rows == [("accept", None, "pending", 0)] * 3


def test_an_ingestion_stands_in_its_own_line(engine: Engine):
    """Documents wait in their own queue, one after another per document."""
    agent, document, job = make_agent(engine), uuid4(), uuid4()
    with engine.begin() as conn:
        accept_ingestion(conn, job_id=job, document_id=document, agent_id=agent, priority=0, max_attempts=3)
        row = conn.execute(text("SELECT kind, queue, serial_key, ticket FROM jobs")).one()
    assert row == ("ingest", "documents", document, 1)
