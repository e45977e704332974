"""The publisher's thread lives as long as the publisher, whatever happens to it."""

import threading

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
