"""Stopping in order, and in a hurry."""

import threading

from relais_cli.embedded.stopping import Ending, StopRequests


def test_what_was_started_last_stops_first() -> None:
    """The order of the stops is the reverse of the order of the starts; parts without a name are not told of."""
    stopped, told = [], []
    ending = Ending(StopRequests())
    for name in ("first", "", "last"):
        ending.add(name, lambda name=name: stopped.append(name))
    ending.run(told.append)
    assert stopped == ["last", "", "first"]
    assert told == ["last", "first"]


def test_one_that_fails_to_stop_keeps_no_other_from_it() -> None:
    """A defect in one part leaves no process of another behind."""
    stopped = []

    def fail() -> None:
        raise RuntimeError("broken")

    ending = Ending(StopRequests())
    ending.add("sound", lambda: stopped.append("sound"))
    ending.add("broken", fail)
    ending.run(lambda _: None)
    assert stopped == ["sound"]


def test_a_hurry_waits_for_nobody() -> None:
    """From the second request on, what takes its time is stopped at once, and the rest too."""
    requests, never = StopRequests(), threading.Event()
    at_once = []
    ending = Ending(requests)
    ending.add("quick", lambda: None, lambda: at_once.append("quick"))

    def drain() -> None:
        requests.hurry.set()
        never.wait(60)

    ending.add("slow", drain, lambda: at_once.append("slow"))
    ending.run(lambda _: None)
    never.set()
    assert at_once == ["slow", "quick"]
