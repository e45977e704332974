"""Takes tokens from one queue of RabbitMQ, with the hazards of Dramatiq's consumer closed."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import structlog
from dramatiq.brokers.rabbitmq import _RabbitmqConsumer
from dramatiq.errors import ConnectionClosed
from pika.exceptions import AMQPError

from relais.broker.tokens import is_token

_Delivery = tuple[Any, Any, Any]  # method, properties, body; three times None when none came in time
_NOTHING: _Delivery = (None, None, None)
_LOOK_EVERY_S = 3.0

log = structlog.get_logger(__name__)


class TokenConsumer(_RabbitmqConsumer):
    """Throws away what is no token; ignores acknowledgements of messages whose connection has ended.

    The broker takes those back anyway. Delivery tags restart at 1 after a reconnect, so an old message's tag would
    acknowledge another one that nobody has started (dramatiq brokers/rabbitmq.py:644, worker.py:412). And without a new
    connection, as while the worker is paused, Dramatiq would try again every 5 s and keep the thread from its work
    (worker.py:413-447).

    Consumes anew when it is passed over: RabbitMQ 3.10 may keep the consumers of a quorum queue that was deleted and at
    once declared again by somebody who publishes; it delivers nothing to them, for ever, and says nothing.
    """

    def __init__(self, broker: Any, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)  # type: ignore[no-untyped-call] # untyped upstream
        self.iterator = self._only_tokens(self.iterator)
        self._prefetch = prefetch
        self._next_look = time.monotonic() + _LOOK_EVERY_S
        self._passed_over = False

    def __next__(self) -> Any:
        with self.broker.consuming(self.queue_name).turn():
            message = super().__next__()  # type: ignore[no-untyped-call] # untyped upstream
        if message is not None:
            message.delivered_by = self
        return message

    def ack(self, message: Any) -> None:
        """Acknowledge, if this consumer delivered the message."""
        if message.delivered_by is self:
            with suppress(ConnectionClosed):
                super().ack(message)  # type: ignore[no-untyped-call] # untyped upstream

    def nack(self, message: Any) -> None:
        """Reject, if this consumer delivered the message."""
        if message.delivered_by is self:
            with suppress(ConnectionClosed):
                super().nack(message)  # type: ignore[no-untyped-call] # untyped upstream

    def close(self) -> None:
        """End the connection, also when the broker has closed the channel: upstream gives up at the channel then."""
        with self.broker.consuming(self.queue_name).turn():
            try:
                super().close()  # type: ignore[no-untyped-call] # untyped upstream
            finally:
                with suppress(AMQPError):
                    self.connection.close()

    def _only_tokens(self, deliveries: Iterable[_Delivery]) -> Iterator[_Delivery]:
        # Upstream fails over some of these bodies, gets them again a moment later, and never takes another message.
        for method, properties, body in deliveries:
            if method is None:
                self._look_for_tokens()
                yield _NOTHING
                continue
            self._note_look(passed_over=False)
            if is_token(body, self.queue_name):
                yield method, properties, body
            else:
                log.warning("token.dropped", queue=self.queue_name, bytes=len(body), remedy="see who else publishes")
                self.channel.basic_nack(method.delivery_tag, requeue=False)
                yield _NOTHING

    def _look_for_tokens(self) -> None:
        """Look into the queue, now and then while nothing comes.

        Raises:
            ConnectionClosed: twice in a row tokens lay ready that this consumer had room for and didn't get.
        """
        if time.monotonic() < self._next_look:
            return
        has_room = len(self.known_tags) < self._prefetch
        ready = has_room and self.channel.queue_declare(self.queue_name, passive=True).method.message_count
        if ready and self._passed_over:
            log.warning("consumer.passed_over", queue=self.queue_name, ready=ready, remedy="consuming anew")
            raise ConnectionClosed(f"{ready} tokens are ready and none is delivered")
        self._note_look(passed_over=bool(ready))

    def _note_look(self, *, passed_over: bool) -> None:
        self._passed_over = passed_over
        self._next_look = time.monotonic() + _LOOK_EVERY_S
