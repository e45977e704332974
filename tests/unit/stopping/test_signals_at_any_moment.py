"""A signal is heard whatever the main thread is about to do when it comes."""

import faulthandler
import os
import random
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from relais.stopping import SignalEvent
from relais_cli.embedded.stopping import StopRequests
from relais_worker import running

pytestmark = pytest.mark.timeout(60)  # what hangs here hangs for ever
_TIMES = 200


@pytest.fixture(autouse=True)
def _handlers_as_found() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _teller() -> threading.Timer:
    """Once started, sends SIGTERM within two milliseconds."""
    return threading.Timer(random.uniform(0, 0.002), os.kill, [os.getpid(), signal.SIGTERM])


def test_relais_up_hears_it() -> None:
    """Ctrl-C never finds `relais up` waiting for a lock that it holds itself."""
    for _ in range(_TIMES):
        requests = StopRequests()
        requests.listen()
        teller = _teller()
        teller.start()
        while not requests.wait(0):
            pass
        teller.join()
        assert requests.begun.is_set()
        assert not requests.hurry.is_set()


def test_a_service_hears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker drains and ends with status 0, whenever its container is stopped."""
    monkeypatch.setattr(running, "_LOOK_EVERY_S", 0)
    limits = {"alive": True, "left_nothing": True, "deaf_limit_s": 600.0, "stop_limit_s": 10.0}
    try:
        for _ in range(_TIMES):
            teller = _teller()  # started when the service listens already
            service = SimpleNamespace(start=teller.start, stop=lambda: None, **limits)
            assert running.run_until_told(service) == 0
            teller.join()
    finally:
        faulthandler.cancel_dump_traceback_later()


def test_everybody_who_waits_is_woken() -> None:
    """Once set it stays set, for every thread, without waiting for the timeout."""
    event = SignalEvent()
    assert not event.wait(0.01)
    heard: list[bool] = []
    waiting = [threading.Thread(target=lambda: heard.append(event.wait(50))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    event.set()
    for thread in waiting:
        thread.join(20)
    assert heard == [True] * 3
    assert event.wait(0)
