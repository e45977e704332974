"""Publishes a batch of tokens with one wait for all its confirms.

Dramatiq's broker waits for each confirm before it publishes the next message, which costs a request under load most of
its time (docs/adr/0010 has the measurement). pika pipelines confirms on its asynchronous connection; its loop runs
here only while the caller waits.
"""

from collections.abc import Callable
from typing import Any

import pika
import pika.exceptions
from dramatiq.errors import ConnectionClosed

from relais.parts import ALARMS

_PATIENCE_S = 10.0
_PERSISTENT = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
_TRANSIENT = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Transient)
_NO_QUEUE = "relais.probe"
# Besides its own errors pika lets through OSError (a failed look-up of the name) and ValueError (a connection that was
# reset before it could be looked at, which a restart of RabbitMQ does; pika/adapters/utils/io_services_utils.py).
PIKA_LOST = (pika.exceptions.AMQPError, OSError, ValueError)


class UnroutableError(Exception):
    """The queue doesn't exist: declare it and publish again."""


class TokenOutlet:
    """One connection for one thread; any may read `alarms`.

    `alarms` are the resources that the server was short of when it was last published to; None when that isn't known.
    """

    def __init__(self, parameters: pika.connection.Parameters) -> None:
        self._parameters = parameters
        self._connection: Any = None
        self._channel: Any = None
        self._failure: object = None
        self._unroutable = False
        self._last_tag = 0
        self._unconfirmed: set[int] = set()
        self._batches = 0
        self._blocked = False
        self.alarms: frozenset[str] | None = None

    def send(self, queue_name: str, bodies: list[bytes]) -> None:
        """Publish persistent messages and return when the server has confirmed every one.

        Raises:
            ConnectionClosed: not all were confirmed; some may have been published all the same.
            UnroutableError: the queue doesn't exist.
        """
        self._publish(queue_name, bodies, _PERSISTENT, mandatory=True)
        if self._unroutable:
            raise UnroutableError

    def probe(self) -> None:
        """Find out whether the server takes messages: publish one that no queue gets. `alarms` says why it doesn't.

        RabbitMQ tells only who publishes that it is short of disk or memory, and takes the first message of a
        connection all the same: hence two (https://www.rabbitmq.com/docs/connection-blocked).

        Raises:
            ConnectionClosed: it wasn't confirmed.
        """
        for _ in range(2):
            self._publish(_NO_QUEUE, [b""], _TRANSIENT, mandatory=False)

    def _publish(self, key: str, bodies: list[bytes], properties: pika.BasicProperties, *, mandatory: bool) -> None:
        self._open()
        self._unroutable = False
        for body in bodies:
            self._channel.basic_publish("", key, body, properties, mandatory=mandatory)
            self._last_tag += 1
            self._unconfirmed.add(self._last_tag)
        self._run_until(lambda: not self._unconfirmed)
        self._batches += 1
        if self._batches > 1 and not self._blocked:
            self.alarms = frozenset()

    def keep_alive(self) -> None:
        """Answer the server's heartbeats."""
        if self._connection is not None:
            self._connection.ioloop.call_later(0, self._connection.ioloop.stop)
            self._connection.ioloop.start()

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is None:
            return
        if connection.is_open:
            connection.add_on_close_callback(lambda *_: connection.ioloop.stop())
            connection.close()
            connection.ioloop.call_later(_PATIENCE_S, connection.ioloop.stop)
            connection.ioloop.start()
        connection.ioloop.close()

    def _open(self) -> None:
        if self._channel is not None and self._failure is None:
            return
        self.close()
        self._failure = None
        self._last_tag = 0
        self._batches = 0
        self._blocked = False
        self._unconfirmed.clear()
        self._connection = pika.SelectConnection(
            self._parameters,
            on_open_callback=lambda connection: connection.channel(on_open_callback=self._on_channel),
            on_open_error_callback=self._on_closed,
            on_close_callback=self._on_closed,
        )
        self._run_until(lambda: self._channel is not None)

    def _on_channel(self, channel: Any) -> None:
        self._connection.add_on_connection_blocked_callback(self._on_blocked)
        self._connection.add_on_connection_unblocked_callback(self._on_unblocked)
        channel.add_on_close_callback(self._on_closed)
        channel.add_on_return_callback(self._on_returned)

        def ready(_frame: object) -> None:
            self._channel = channel
            self._connection.ioloop.stop()

        channel.confirm_delivery(self._on_confirm, callback=ready)

    def _on_confirm(self, frame: Any) -> None:
        if isinstance(frame.method, pika.spec.Basic.Nack):
            self._on_closed(None, "the server refused a token")
            return
        tag = frame.method.delivery_tag
        self._unconfirmed -= {t for t in self._unconfirmed if t <= tag} if frame.method.multiple else {tag}
        if not self._unconfirmed:
            self._connection.ioloop.stop()

    def _on_returned(self, *_: object) -> None:
        self._unroutable = True

    def _on_blocked(self, _connection: object, frame: Any) -> None:
        reason = str(frame.method.reason)  # "low on disk", "low on memory"
        self._blocked = True
        self.alarms = frozenset(alarm for alarm in ALARMS if alarm in reason)

    def _on_unblocked(self, *_: object) -> None:
        self._blocked = False
        self.alarms = frozenset()

    def _on_closed(self, _which: object, reason: object) -> None:
        self._failure = reason
        if not isinstance(reason, pika.exceptions.ConnectionBlockedTimeout):
            self.alarms = None
        if self._connection is not None:
            self._connection.ioloop.stop()

    def _run_until(self, done: Callable[[], bool]) -> None:
        loop = self._connection.ioloop
        timer = loop.call_later(_PATIENCE_S, loop.stop)
        if self._failure is None and not done():
            loop.start()
        loop.remove_timeout(timer)
        if self._failure is not None or not done():
            self._failure = self._failure or f"no answer within {_PATIENCE_S:g} s"  # the next batch starts afresh
            raise ConnectionClosed(self._failure)
