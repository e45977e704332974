"""The thread that asks the parts, as the watchdog sees it."""

import threading

from relais.errors import PartAwayError
from relais.parts import Part
from relais_worker.engine.breakers import Breakers
from support.waiting import wait_until


def test_a_probe_that_never_ends_shows_as_a_turn_that_lasts():
    """Nobody else would notice that the part is back: the watchdog must see it, and not see a thread that waits."""
    begun, ends = threading.Event(), threading.Event()

    def probe() -> None:
        if begun.is_set():
            ends.wait(30)
        begun.set()
        raise PartAwayError("qdrant_unreachable", "away", part=Part.QDRANT, reached=False)

    breakers = Breakers({Part.QDRANT: probe}, every_s=0.05)
    breakers.start(hold=lambda: None, go_on=lambda: None)
    try:
        wait_until(lambda: breakers.busy_s > 0.5, 10, "the second probe lasts")
    finally:
        breakers.stop()
        ends.set()


def test_between_its_turns_the_thread_is_not_busy():
    """However long all parts are well."""
    breakers = Breakers({Part.QDRANT: lambda: None}, every_s=0.05)
    breakers.start(hold=lambda: None, go_on=lambda: None)
    try:
        wait_until(lambda: breakers.busy_s == 0.0, 10, "it waits to be woken")
        assert breakers.alive
    finally:
        breakers.stop()
