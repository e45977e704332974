"""Publishes tokens from one long-lived thread, so that a request waits for the broker no longer than it chooses.

One thread means one connection: Dramatiq's broker opens one for each thread that publishes, and a web server's threads
come and go (dramatiq #381, #540, #649).
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from dramatiq.errors import BrokerConnectionError

from relais.broker.connect import AnyBroker
from relais.turns import Turns

_MOST_REQUESTS = 1_000
_IDLE_S = 5.0
_PAUSE_AFTER_FAILURE_S = 1.0
_STUCK_S = 0.5  # a broker that takes this long for a batch hangs, as far as anybody who waits is concerned
_LONGEST_FAREWELL_S = 0.5  # for a broker that hangs: there is nobody to say goodbye to

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    queue_name: str | None  # None asks only whether the broker takes anything
    count: int
    done: "Future[bool]" = field(default_factory=Future)


class Publisher:
    """The outlet for tokens of one process. A token that isn't published is no loss: the sweeper makes up for it."""

    def __init__(self, broker: AnyBroker) -> None:
        self._broker = broker
        self._requests: queue.Queue[_Request | None] = queue.Queue(maxsize=_MOST_REQUESTS)
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._down_until = 0.0
        self._up: bool | None = None
        self._turns = Turns()

    @property
    def up(self) -> bool | None:
        """Whether the broker took the last token, and doesn't hang on the next; None before the first."""
        return False if self._stuck else self._up

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def busy_s(self) -> float:
        """Seconds that it has been at the broker for one request; 0 while it waits for the next."""
        return self._turns.busy_s

    def start(self) -> None:
        """Start the thread; it connects with the first token."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Publish what was asked for so far, then end the thread; leave it to itself after `timeout_s` seconds.

        A thread that the broker keeps hanging gets half a second: it is a daemon, and its tokens are no loss.
        """
        deadline = time.monotonic() + (_LONGEST_FAREWELL_S if self._stuck else timeout_s)
        with suppress(queue.Full):
            self._requests.put(None, timeout=max(0.0, deadline - time.monotonic()))
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def request(self, queue_name: str, count: int = 1) -> "Future[bool]":
        """Ask for `count` tokens; the future tells whether the broker confirmed them all. Never blocks.

        While the broker hangs the answer is False at once, so that nobody waits for it and nothing piles up.
        """
        return self._ask(_Request(queue_name, count))

    def publish(self, queue_name: str, count: int = 1, *, timeout_s: float) -> bool:
        """Publish tokens and wait up to `timeout_s` seconds; False when they weren't confirmed by then."""
        try:
            return self.request(queue_name, count).result(timeout_s)
        except TimeoutError:
            return False

    def probe(self, *, timeout_s: float) -> bool:
        """Find out within `timeout_s` seconds whether the broker takes messages; its `alarms` may say why not."""
        try:
            return self._ask(_Request(None, 0)).result(timeout_s)
        except TimeoutError:
            return False

    def _ask(self, wanted: _Request) -> "Future[bool]":
        if self._stuck:
            wanted.done.set_result(False)
            return wanted.done
        try:
            self._requests.put_nowait(wanted)
        except queue.Full:
            wanted.done.set_result(False)
        return wanted.done

    @property
    def _stuck(self) -> bool:
        return self.busy_s > _STUCK_S

    def _run(self) -> None:
        while True:
            try:
                wanted = self._requests.get(timeout=_IDLE_S)
            except queue.Empty:
                self._guarded(self._broker.keep_alive)
                continue
            if wanted is None:
                self._guarded(self._broker.close_outlet)
                return
            confirmed = self._send(wanted)
            if wanted.done.set_running_or_notify_cancel():  # else who asked has gone
                wanted.done.set_result(confirmed)

    def _send(self, wanted: _Request) -> bool:
        if time.monotonic() < self._down_until:
            return False  # a broker that is away costs one attempt a second, not one a message
        sent = self._guarded(lambda: self._act(wanted))
        if sent:
            self._note(up=True)
        return sent

    def _act(self, wanted: _Request) -> None:
        if wanted.queue_name is None:
            self._broker.probe()
        else:
            self._broker.send_tokens(wanted.queue_name, wanted.count)

    def _guarded(self, act: Callable[[], None]) -> bool:
        try:
            with self._turns.turn():
                act()
        except Exception as error:  # whatever it is, the thread lives on: without it no token goes out any more
            if not isinstance(error, BrokerConnectionError | OSError):
                log.exception("publisher.defect")
            self._note(up=False, error=error)
            self._down_until = time.monotonic() + _PAUSE_AFTER_FAILURE_S
            return False
        return True

    def _note(self, *, up: bool, error: Exception | None = None) -> None:
        if up != self._up and not (up and self._up is None):
            log.warning("broker.up" if up else "broker.down", error=None if error is None else repr(error))
        self._up = up
