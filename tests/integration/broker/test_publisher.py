"""The publisher's thread lives as long as the publisher, whatever happens to it."""

import threading
import time
from collections.abc import Iterator

import pytest

from relais.broker import Publisher, publisher
from relais.broker.memory import MemoryBroker
from support.waiting import wait_until


class _BrokenBroker(MemoryBroker):
    """Keeps its connection alive in vain."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.tried = threading.Event()

    def keep_alive(self) -> None:
        """Fail like a client library with a defect."""
        self.tried.set()
        raise AttributeError


def test_a_defect_while_nothing_is_published_ends_nothing(monkeypatch: pytest.MonkeyPatch):
    """An idle moment that goes wrong costs a second; the next token goes out."""
    monkeypatch.setattr(publisher, "_IDLE_S", 0.05)
    broker = _BrokenBroker()
    outlet = Publisher(broker)
    outlet.start()
    assert broker.tried.wait(5)
    monkeypatch.setattr(publisher, "_IDLE_S", 60.0)
    wait_until(lambda: outlet.publish("ai-messages", timeout_s=1), 10, "published")
    outlet.stop()


def test_who_stops_waiting_costs_the_others_nothing():
    """A request that was cancelled before its turn is passed over; those behind it are served."""
    outlet = Publisher(MemoryBroker(middleware=[]))
    gone, behind = outlet.request("ai-messages"), outlet.request("ai-messages")
    assert gone.cancel()
    outlet.start()
    assert behind.result(5) is True
    outlet.stop()


class _HangingBroker(MemoryBroker):
    """Takes a token and never confirms it, until it is told to."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.confirms = threading.Event()

    def send_tokens(self, queue_name: str, count: int) -> None:
        """Wait for ever, or as long as a test lasts."""
        self.confirms.wait(60)
        super().send_tokens(queue_name, count)


@pytest.fixture
def hanging() -> Iterator[tuple[_HangingBroker, Publisher]]:
    """A publisher whose broker hangs on the first token, and that has noticed."""
    broker = _HangingBroker()
    outlet = Publisher(broker)
    outlet.start()
    outlet.request("ai-messages")
    wait_until(lambda: outlet.up is False, 5, "the broker counts as down")
    yield broker, outlet
    broker.confirms.set()


def test_nobody_waits_for_a_broker_that_hangs(hanging: tuple[_HangingBroker, Publisher]):
    """Once it hangs on a token, further requests are told no at once, and nothing piles up in memory."""
    _, outlet = hanging
    assert all(outlet.request("ai-messages").result(0) is False for _ in range(5_000))
    assert outlet._requests.qsize() == 0


def test_a_broker_that_comes_to_is_used_again(hanging: tuple[_HangingBroker, Publisher]):
    """The thread finishes what it began, and the next tokens go out."""
    broker, outlet = hanging
    broker.confirms.set()
    wait_until(lambda: outlet.publish("ai-messages", timeout_s=1), 10, "published")
    assert outlet.up is True
    outlet.stop()


def test_stopping_does_not_wait_for_a_broker_that_hangs(hanging: tuple[_HangingBroker, Publisher]):
    """A service that is told to stop isn't held up by it."""
    _, outlet = hanging
    began = time.monotonic()
    outlet.stop()
    assert time.monotonic() - began < 3
