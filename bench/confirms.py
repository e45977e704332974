"""How many confirmed tokens a second go out one by one, as Dramatiq publishes, and in batches; see docs/adr/0010.

Run it with `.venv/bin/python bench/confirms.py`; RabbitMQ is private, with a quorum queue.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from relais.broker import Publisher, make_broker
from relais.broker.tokens import make_token
from relais.queues import AI_MESSAGES
from relais_cli.parts.rabbitmq_node import RabbitMQNode

TOKENS = 500
TRIALS = 5
QUEUE = AI_MESSAGES.name


def rate(publish: Callable[[], None]) -> float:
    """Publish all tokens several times; return the median rate per second."""
    took = []
    for _ in range(TRIALS):
        started = time.perf_counter()
        publish()
        took.append(time.perf_counter() - started)
    return TOKENS / statistics.median(took)


def main() -> None:
    """Measure both on the same node."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="relais-bench-")))
        node = RabbitMQNode(folder / "rabbitmq")
        node.start()
        ends.callback(node.stop)
        broker = make_broker(node.url())
        ends.callback(broker.close)
        publisher = Publisher(broker)
        publisher.start()
        ends.callback(publisher.stop)

        def one_by_one() -> None:
            for _ in range(TOKENS):
                broker.enqueue(make_token(QUEUE))

        def in_a_batch() -> None:
            if not publisher.publish(QUEUE, TOKENS, timeout_s=60):
                raise SystemExit("the broker did not confirm the tokens")

        one_by_one(), in_a_batch()  # connections are opened
        print(f"one by one: {rate(one_by_one):,.0f} tokens per second (median of {TRIALS} times {TOKENS})")
        print(f"in a batch: {rate(in_a_batch):,.0f} tokens per second")


if __name__ == "__main__":
    main()
