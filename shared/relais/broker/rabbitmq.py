"""Tokens on RabbitMQ, with the hazards of Dramatiq's broker closed (see docs/adr and HAZARDS in the design)."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from dramatiq import Middleware
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.errors import ConnectionClosed

from relais.broker.consumer import TokenConsumer
from relais.broker.outlet import PIKA_LOST, TokenOutlet, UnroutableError
from relais.broker.tokens import make_token
from relais.queues import QUEUE_NAMES
from relais.turns import Turns

# pika's defaults wait for ever on a blocked broker; one attempt each, since the caller decides about another. Of a
# connection that died without a word pika learns after two to four heartbeats (pika/heartbeat.py): 22 s at most.
_CONNECTION_LIMITS = {
    "heartbeat": "6",
    "blocked_connection_timeout": "5",
    "connection_attempts": "1",
    "socket_timeout": "5",
    "stack_timeout": "10",
}
# Tokens are wake-ups: beyond this depth the oldest are dropped, and the sweeper tops up when few are left.
_MOST_TOKENS = 100_000


def with_connection_limits(url: str) -> str:
    """Add the time limits that the URL doesn't set itself."""
    parts = urlsplit(url)
    query = _CONNECTION_LIMITS | dict(parse_qsl(parts.query))
    return urlunsplit(parts._replace(query=urlencode(query)))


class TokenBroker(RabbitmqBroker):
    """Dramatiq's RabbitMQ broker that owns the arguments of the queues and always waits for confirms.

    Quorum queues, on RabbitMQ 3.10 and 4.x alike. No dead-letter queue: a token that can't be handled is worthless,
    and the sweeper announces again whatever still waits.
    """

    def __init__(self, url: str, middleware: list[Middleware]) -> None:
        super().__init__(url=with_connection_limits(url), confirm_delivery=True, middleware=middleware)
        self._outlet = TokenOutlet(self.parameters)
        self._consuming: dict[str, Turns] = {}
        for name in QUEUE_NAMES:
            self.declare_queue(name)

    @property
    def consumer_class(self) -> type[TokenConsumer]:
        """The consumer that guards acknowledgements."""
        return TokenConsumer

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:  # noqa: ARG002 -- upstream's signature
        return {"x-queue-type": "quorum", "x-max-length": _MOST_TOKENS, "x-overflow": "drop-head"}

    def _declare_xq_queue(self, queue_name: str) -> None:
        """Tokens have no dead-letter queue."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Any:
        """Consume on a connection of the consumer's own."""
        with self.consuming(queue_name).turn():
            try:
                return super().consume(queue_name, prefetch, timeout)
            finally:
                self._let_go()

    def consuming(self, queue_name: str) -> Turns:
        """Times the calls of a queue's consumer: pika waits for ever for a reply, as long as heartbeats come."""
        return self._consuming.setdefault(queue_name, Turns())

    def consumer_busy_s(self, queue_name: str) -> float:
        """Seconds that the consumer of a queue has been in its present call of RabbitMQ; 0 between calls."""
        return self.consuming(queue_name).busy_s

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        """Publish a token that Dramatiq will try again; rare, so that a connection each time is cheap enough."""
        try:
            return super().enqueue(message, delay=delay)
        finally:
            self._let_go()

    def send_tokens(self, queue_name: str, count: int) -> None:
        """Publish tokens and wait for all confirms; declares the queue when it is missing. For one thread only.

        Raises:
            dramatiq.errors.ConnectionClosed: not all were confirmed.
        """
        bodies = [make_token(queue_name).encode() for _ in range(count)]
        try:
            self._send_declared(queue_name, bodies)
        except (*PIKA_LOST, UnroutableError) as error:  # unroutable: deleted again as soon as it was declared
            raise ConnectionClosed(error) from None

    def _send_declared(self, queue_name: str, bodies: list[bytes]) -> None:
        try:
            self._outlet.send(queue_name, bodies)
        except UnroutableError:
            self.queues_pending.add(queue_name)
            self.declare_queue(queue_name, ensure=True)
            self._let_go()
            self._outlet.send(queue_name, bodies)

    def probe(self) -> None:
        """Find out whether the server takes messages. For the thread that sends tokens.

        Raises:
            dramatiq.errors.ConnectionClosed: it doesn't; `alarms` may say why.
        """
        try:
            self._outlet.probe()
        except PIKA_LOST as error:
            raise ConnectionClosed(error) from None

    @property
    def alarms(self) -> frozenset[str] | None:
        """What the server was short of when it was last published to; None when that isn't known."""
        return self._outlet.alarms

    def tokens_ready(self, queue_name: str) -> int:
        """How many tokens no worker has taken yet.

        Raises:
            dramatiq.errors.ConnectionClosed: the broker can't be reached.
        """
        try:
            self.declare_queue(queue_name, ensure=True)
            # RabbitMQ says 0 too when the queue's leader doesn't answer it within 250 ms, as on a busy machine
            # (rabbit_quorum_queue:stat/1). A false 0 makes the sweeper publish every token anew: it is asked for twice.
            return self._count(queue_name) or self._count(queue_name)
        except PIKA_LOST as error:
            self.queues_pending.add(queue_name)  # it may have been wiped: declare it again next time
            del self.connection
            raise ConnectionClosed(error) from None

    def _count(self, queue_name: str) -> int:
        return int(self.channel.queue_declare(queue=queue_name, passive=True).method.message_count)

    def _let_go(self) -> None:
        # Upstream leaves one connection to each thread that ever declared or published (dramatiq #381, #540): nobody
        # answers its heartbeats, and the server drops it a minute later.
        del self.connection

    def keep_alive(self) -> None:
        """Answer the server's heartbeats while no tokens are sent. For the thread that sends them."""
        self._outlet.keep_alive()

    def close_outlet(self) -> None:
        """Let go of the connection that sends tokens. For the thread that sends them."""
        self._outlet.close()
