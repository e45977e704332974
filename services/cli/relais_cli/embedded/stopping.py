"""How `relais up` ends: in order at the first signal, without waiting at the second, at once at the third."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

import structlog

from relais.stopping import SignalEvent

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_S = 0.1
_AT_ONCE, _NOW_OR_NEVER = 2, 3
_INTERRUPTED = 130

log = structlog.get_logger(__name__)


class StopRequested(Exception):  # noqa: N818 -- a signal, not an error
    """Somebody asked us to stop while we were still starting."""


@dataclass
class StopRequests:
    """Counts the requests to stop; `begun` is set by the first, `hurry` by the second.

    While nothing but a start is under way, the second ends the process: what we started ends with us (see `tether`).
    """

    begun: SignalEvent = field(default_factory=SignalEvent)
    hurry: SignalEvent = field(default_factory=SignalEvent)
    ending: bool = False
    _count: int = 0

    def listen(self) -> None:
        """Take the signals from now on; only the main thread may."""
        for number in _SIGNALS:
            signal.signal(number, self._receive)

    def check(self) -> None:
        """Go on, unless somebody asked to stop.

        Raises:
            StopRequested: somebody did.
        """
        if self.begun.is_set():
            raise StopRequested

    def wait(self, timeout_s: float) -> bool:
        """Wait for a request to stop; whether there is one."""
        return self.begun.wait(timeout_s)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        self.begun.set()
        if self._count >= (_NOW_OR_NEVER if self.ending else _AT_ONCE):
            os._exit(_INTERRUPTED)
        if self._count >= _AT_ONCE:
            self.hurry.set()


@dataclass(frozen=True, slots=True)
class Stop:
    """How to stop one thing: in order, and at once."""

    name: str
    in_order: Callable[[], None]
    at_once: Callable[[], None]


def nothing() -> None:
    """Stop a thing at once that ends with the process."""


@dataclass
class Ending:
    """What has to be stopped, in the reverse of the order in which it was started."""

    requests: StopRequests
    stops: list[Stop] = field(default_factory=list)

    def add(self, name: str, in_order: Callable[[], None], at_once: Callable[[], None] = nothing) -> None:
        """Remember something that was started; without a name nobody hears of its end."""
        self.stops.append(Stop(name, in_order, at_once))

    def run(self, tell: Callable[[str], None]) -> None:
        """Stop everything; `tell` hears the name of what was stopped."""
        self.requests.ending = True
        while self.stops:
            stop = self.stops.pop()
            self._stop(stop)
            if stop.name:
                tell(stop.name)

    def _stop(self, stop: Stop) -> None:
        hurry = self.requests.hurry
        if not hurry.is_set():
            # In a thread, so that a second signal needn't wait for it.
            thread = threading.Thread(target=_guarded, args=(stop.name, stop.in_order), daemon=True)
            thread.start()
            while thread.is_alive() and not hurry.is_set():
                thread.join(_POLL_S)
            if not thread.is_alive():
                return
        _guarded(stop.name, stop.at_once)


def _guarded(name: str, action: Callable[[], None]) -> None:
    try:
        action()
    except Exception:  # what comes after must be stopped all the same
        log.exception("stop.failed", part=name)
