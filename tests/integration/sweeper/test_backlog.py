"""What was accepted while the broker was away, once it is back: announced in order, a bounded batch at a time."""

from itertools import pairwise

from sqlalchemy import Engine, text

from relais.broker import Publisher, make_broker
from relais.broker.memory import MemoryBroker
from relais_worker.sweeper.announce import Announce
from support.seeding import accept, accept_many, make_agent, new_message
from support.waiting import wait_until

_BATCH = 1_000  # of `sweeper/announce.py`: a round's work, in tokens and in rows


class _CountingBroker(MemoryBroker):
    """Notes how many tokens are sent at once."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.sent: list[int] = []

    def send_tokens(self, queue_name: str, count: int) -> None:
        self.sent.append(count)
        super().send_tokens(queue_name, count)


def _announced(engine: Engine) -> list[tuple[int, int, int]]:
    """Each round's announcements: how many, the first ticket, the last."""
    with engine.begin() as conn:
        rows = conn.execute(
            text("""
            SELECT count(*) AS size, min(j.ticket) AS first, max(j.ticket) AS last
            FROM job_events e JOIN jobs j ON j.id = e.job_id WHERE e.transition = 'announce'
            GROUP BY CAST(e.xmin AS text) ORDER BY min(e.id)""")  # xmin: one transaction a round
        )
        return [tuple(row) for row in rows]


def test_a_backlog_is_announced_in_order_in_bounded_batches(engine: Engine):
    """2,600 messages that nobody could announce become `queued` in the order of their tickets, 1,000 a round."""
    agent = make_agent(engine)
    for _ in range(4):  # accepted together, they are of one age: the tickets alone tell their order
        accept_many(engine, agent, 650)
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET created_at = now() - interval '1 hour'"))
    broker = _CountingBroker()
    publisher = Publisher(broker)
    publisher.start()
    announce = Announce(engine, broker, publisher)
    for _ in range(3):
        announce()
    publisher.stop()
    rounds = _announced(engine)
    assert [size for size, _, _ in rounds] == [_BATCH, _BATCH, 600]
    assert all(before[2] < after[1] for before, after in pairwise(rounds)), rounds
    assert max(broker.sent) <= _BATCH


def test_a_backlog_of_several_lanes_is_announced_by_age(engine: Engine):
    """The oldest goes first, whatever its priority: `queued` says that the broker knows, not whose turn it is."""
    agent = make_agent(engine)
    accept(engine, [new_message(agent, priority=5) for _ in range(600)])
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET created_at = now() - interval '1 hour'"))
    accept(engine, [new_message(agent, priority=0) for _ in range(600)])
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET created_at = now() - interval '1 minute' WHERE priority = 0"))
    publisher = Publisher(broker := MemoryBroker(middleware=[]))
    publisher.start()
    Announce(engine, broker, publisher)()
    publisher.stop()
    with engine.begin() as conn:
        queued = dict(conn.execute(text("SELECT priority, count(*) FROM jobs WHERE state = 'queued' GROUP BY 1")).all())
    assert queued == {5: 600, 0: 400}


def test_the_broker_of_the_backlog_may_be_rabbitmq(engine: Engine, amqp_url: str):
    """A round's tokens are confirmed together by a real broker, and as many are ready as can run."""
    agent = make_agent(engine)
    accept_many(engine, agent, 500)
    accept_many(engine, agent, 500)
    broker = make_broker(amqp_url)
    publisher = Publisher(broker)
    publisher.start()
    Announce(engine, broker, publisher)()
    wait_until(lambda: broker.tokens_ready("ai-messages") == _BATCH)
    publisher.stop()
    broker.close()
