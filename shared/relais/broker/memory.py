"""The broker of the embedded mode: tokens in this process's memory.

It loses nothing that matters when the process dies: tokens are only wake-ups, and the sweeper announces what waits.
"""

from dramatiq import Middleware
from dramatiq.brokers.stub import StubBroker

from relais.broker.tokens import make_token
from relais.queues import QUEUE_NAMES


class MemoryBroker(StubBroker):
    """Dramatiq's in-memory broker with the queues of Relais and the view of them that the sweeper needs."""

    def __init__(self, middleware: list[Middleware]) -> None:
        super().__init__(middleware=middleware)
        for name in QUEUE_NAMES:
            self.declare_queue(name)

    def tokens_ready(self, queue_name: str) -> int:
        """How many tokens no worker has taken yet."""
        return int(self.queues[queue_name].qsize())

    def send_tokens(self, queue_name: str, count: int) -> None:
        """Add tokens; memory is always there."""
        for _ in range(count):
            self.enqueue(make_token(queue_name))

    def probe(self) -> None:
        """Nothing to find out about memory."""

    @property
    def alarms(self) -> frozenset[str]:
        """None is raised, and that is known: memory has no watermark."""
        return frozenset()

    def consumer_busy_s(self, queue_name: str) -> float:  # noqa: ARG002 -- as the other broker
        """Memory lets nobody wait."""
        return 0.0

    def keep_alive(self) -> None:
        """Nothing to keep alive in memory."""

    def close_outlet(self) -> None:
        """Nothing to close in memory."""
