"""Limits of the line: never more wait than may, whoever accepts at the same time, and at a cost that stays."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text

from relais.store.accept import Acceptance, NewMessage
from relais.store.admission import _COUNT, ALL, Full, accept_within_limits
from relais.store.settle import settle_completed, settle_retry
from support.seeding import accept, accept_many, answer, claim, make_agent, make_worker, new_message
from support.waiting import wait_until

WAITING = text("SELECT count(*) FROM jobs WHERE state IN ('pending', 'queued')")
WAITING_OF = text("SELECT count(*) FROM jobs WHERE state IN ('pending', 'queued') AND agent_id = :agent")


def admit(engine: Engine, batch: list[NewMessage], limit_of_all: int | None = None) -> list[Acceptance | Full]:
    """Accept a batch within limits, in a transaction of its own."""
    with engine.begin() as conn:
        return accept_within_limits(conn, batch, limit_of_all)


def outcomes(results: list[Acceptance | Full]) -> list[str]:
    """What became of each message, in a word."""
    return ["full" if isinstance(result, Full) else result.outcome for result in results]


def waiting_of(engine: Engine, agent: UUID) -> int:
    """Count an agent's waiting messages the naive way."""
    with engine.connect() as conn:
        return conn.execute(WAITING_OF, {"agent": agent}).scalar_one()


def test_an_agents_limit_leaves_the_others_alone(engine: Engine):
    """The third of two places is refused, with the numbers; another agent's messages find theirs."""
    limited, free = make_agent(engine), make_agent(engine)
    messages = [new_message(limited, agent_limit=2) for _ in range(3)] + [new_message(free)]
    results = admit(engine, messages)
    assert outcomes(results) == ["accepted", "accepted", "full", "accepted"]
    assert results[2] == Full(agent=True, limit=2, waiting=2, place_frees=(0, 1))


def test_a_place_is_free_again_once_a_message_starts(engine: Engine):
    """A small line is counted anew at once: nobody is turned away from a free place."""
    agent, worker = make_agent(engine), make_worker(engine)
    admit(engine, [new_message(agent, agent_limit=1)])
    assert outcomes(admit(engine, [new_message(agent, agent_limit=1)])) == ["full"]
    claim(engine, worker)
    assert wait_until(lambda: outcomes(admit(engine, [new_message(agent, agent_limit=1)])) == ["accepted"], 1)


def test_the_limit_on_all_messages_counts_those_of_every_agent(engine: Engine):
    """Whoever sends it, the message beyond the limit is refused."""
    agents = [make_agent(engine) for _ in range(3)]
    results = admit(engine, [new_message(agent) for agent in agents], limit_of_all=2)
    assert results[2] == Full(agent=False, limit=2, waiting=2)


def test_a_message_that_was_accepted_is_found_again_however_full_the_line_is(engine: Engine):
    """A replay needs no place, also one in the same batch; a conflict is told as such; a new key is refused."""
    agent = make_agent(engine)
    first = new_message(agent, idempotency_key="a", agent_limit=1)
    twice = [new_message(agent, idempotency_key="a", agent_limit=1), first]
    assert outcomes(admit(engine, twice)) == ["accepted", "replayed"]
    again = [
        new_message(agent, idempotency_key="a", agent_limit=1),
        new_message(agent, "Other", idempotency_key="a", agent_limit=1),
        new_message(agent, idempotency_key="b", agent_limit=1),
    ]
    assert outcomes(admit(engine, again)) == ["replayed", "conflict", "full"]


def test_a_refused_message_leaves_nothing_behind(engine: Engine):
    """No row, no ticket, no session: the next one accepted takes the next ticket."""
    agent = make_agent(engine)
    admit(engine, [new_message(agent, agent_limit=1) for _ in range(5)])
    assert accept(engine, [new_message(agent)])[0].ticket == 2
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM sessions")).scalar_one() == 2


def test_a_limit_set_later_counts_those_who_wait_already(engine: Engine):
    """Five wait when the limit of two is set: nobody else is let in before four have started."""
    agent = make_agent(engine)
    accept_many(engine, agent, 5)
    refused = admit(engine, [new_message(agent, agent_limit=2)])[0]
    assert refused == Full(agent=True, limit=2, waiting=5, place_frees=(0, 4))


@contextmanager
def others_do(*works: object) -> Iterator[None]:
    """Repeat each of these in a thread of its own until the block ends."""
    over = Event()

    def repeat(work) -> None:
        while not over.is_set():
            work()

    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(repeat, work) for work in works]
        try:
            yield
        finally:
            over.set()
    for future in running:
        future.result()


@pytest.mark.parametrize("seed", range(3))
def test_however_many_accept_at_once_no_snapshot_shows_more_than_may_wait(engine: Engine, seed: int):
    """Batches of three agents from eight clients, claims and completions between: each limit holds at every moment."""
    chance = random.Random(seed)
    limits = {make_agent(engine): 4, make_agent(engine): 9, make_agent(engine): None}
    worker, limit_of_all, most = make_worker(engine, slots=2), 20, dict.fromkeys([*limits, ALL], 0)

    def batch() -> list[NewMessage]:
        agents = chance.choices(list(limits), k=chance.randint(1, 7))
        keys = [chance.choice([None, f"k{chance.randint(0, 60)}"]) for _ in agents]
        return [
            new_message(agent, agent_limit=limits[agent], idempotency_key=key, priority=chance.choice([0, 0, 5]))
            for agent, key in zip(agents, keys, strict=True)
        ]

    def work() -> None:
        job = claim(engine, worker)
        if job is not None:
            with engine.begin() as conn:
                settle_completed(conn, job.id, job.attempt, answer())

    def look() -> None:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
            most[ALL] = max(most[ALL], conn.execute(WAITING).scalar_one())
            for agent in limits:
                most[agent] = max(most[agent], conn.execute(WAITING_OF, {"agent": agent}).scalar_one())

    with others_do(work, look), ThreadPoolExecutor(8) as clients:
        results = list(clients.map(lambda _: admit(engine, batch(), limit_of_all), range(120)))
    told = [outcome for result in results for outcome in outcomes(result)]
    assert {"accepted", "full"} <= set(told)
    assert most[ALL] <= limit_of_all
    assert all(most[agent] <= limit for agent, limit in limits.items() if limit is not None)


def test_what_comes_back_into_the_line_may_exceed_the_limit_but_lets_nobody_else_in(engine: Engine):
    """A message that failed an attempt waits again beside those let in meanwhile: more by as many as ran, no more."""
    agent, worker = make_agent(engine), make_worker(engine)
    admit(engine, [new_message(agent, agent_limit=2) for _ in range(2)])
    job = claim(engine, worker)
    wait_until(lambda: outcomes(admit(engine, [new_message(agent, agent_limit=2)])) == ["accepted"], 1)
    with engine.begin() as conn:
        settle_retry(conn, job.id, job.attempt, error_code="e", error="E", delay_s=0)
    assert waiting_of(engine, agent) == 3
    assert outcomes(admit(engine, [new_message(agent, agent_limit=2)])) == ["full"]


def test_without_a_limit_accepting_costs_no_statement_more(engine: Engine):
    """Who sets no limit pays nothing for them."""
    agent = make_agent(engine)
    with _statements(engine) as seen:
        admit(engine, [new_message(agent)])
    assert len(seen) == 1


def test_below_a_limit_accepting_costs_one_statement_more_however_many_wait(engine: Engine):
    """The bound is kept, not counted: a batch under a limit reserves its places and is accepted."""
    agent = make_agent(engine)
    for _ in range(4):
        accept_many(engine, agent, 500)
    admit(engine, [new_message(agent, agent_limit=10_000)])
    with _statements(engine) as seen:
        assert outcomes(admit(engine, [new_message(agent, agent_limit=10_000)])) == ["accepted"]
    assert len(seen) == 2
    assert not any("count(*) FROM jobs" in statement for statement in seen)


def test_a_full_line_is_counted_no_more_often_than_its_length_allows(engine: Engine):
    """With thousands waiting, refusals in quick succession use one count."""
    agent = make_agent(engine)
    for _ in range(10):
        accept_many(engine, agent, 500)
    with _statements(engine) as seen:
        results = [admit(engine, [new_message(agent, agent_limit=5_000)])[0] for _ in range(5)]
    assert outcomes(results) == ["full"] * 5
    assert sum("count(*) FROM jobs" in statement for statement in seen) < 5


def test_counting_an_agents_line_reads_only_that(engine: Engine):
    """Ten wait for one agent and 5,000 for others: the count of the ten comes from an index that holds no others."""
    agent, crowd = make_agent(engine), make_agent(engine)
    for _ in range(10):
        accept_many(engine, crowd, 500)
    accept_many(engine, agent, 10)
    with engine.begin() as conn:
        conn.execute(text("ANALYZE jobs"))
        plan = conn.execute(
            text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {_COUNT.text}"), {"agent": agent}
        ).scalar_one()[0]["Plan"]
    assert "jobs_agent_line_idx" in str(plan)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 30


@contextmanager
def _statements(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_conn, _cursor, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
