"""The circuit breakers: while a part that the jobs need is down, this worker waits, and its jobs keep their attempts.

There is no threshold. A failure that can mean that a part is away makes the worker ask the part at once; the reply
decides whether the part is down or the failure is the job's own (docs/adr/0011).
"""

import threading
import time
from collections.abc import Callable, Mapping

import structlog

from relais.errors import JobError, PermanentError
from relais.parts import PART_WORDS, Part
from relais.turns import Turns

_REMIND_S = 60.0

log = structlog.get_logger(__name__)

Probe = Callable[[], None]
"""Asks a part whether it is there; raises a `JobError` when it is not."""


class Breakers:
    """One breaker per part, and the one thread that asks the parts that are down whether they are back.

    Args:
        probes: how each part is asked.
        every_s: pause between two probes of a part that is down.
    """

    def __init__(self, probes: Mapping[Part, Probe], *, every_s: float) -> None:
        self._probes = probes
        self._every_s = every_s
        self._down: dict[Part, float] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._closed.set()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="breakers", daemon=True)
        self._hold: Callable[[], None] = lambda: None
        self._go_on: Callable[[], None] = lambda: None
        self._remind_at = 0.0
        self._turns = Turns()

    @property
    def alive(self) -> bool:
        """Whether the thread runs; without it nobody would notice that a part is back."""
        return self._thread.is_alive()

    @property
    def busy_s(self) -> float:
        """Seconds that the thread's current turn has lasted: a probe, or the stop of the taking of tokens."""
        return self._turns.busy_s

    @property
    def down(self) -> tuple[Part, ...]:
        """The parts that are down, in a fixed order."""
        return tuple(part for part in self._probes if part in self._down)

    def start(self, *, hold: Callable[[], None], go_on: Callable[[], None]) -> None:
        """Ask every part once, then watch those that are down.

        Args:
            hold: stops the taking of tokens.
            go_on: resumes it; both are called from the one thread, in turns.
        """
        self._hold, self._go_on = hold, go_on
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a probe under way is left to its timeout."""
        self._stopping = True
        self._wake.set()
        self._closed.set()
        self._thread.join(self._every_s)

    def ask_all(self) -> None:
        """Ask every part: a job ran out of time, and nothing says on which."""
        for part in self._probes:
            self.is_down(part)

    def is_down(self, part: Part) -> bool:
        """Ask a part that a job failed on, at once; its breaker opens when it doesn't answer."""
        return part in self._down or self._look_at(part)

    def wait_until_closed(self, timeout_s: float) -> bool:
        """Wait until no breaker is open; False when one still is after `timeout_s` seconds."""
        return self._closed.wait(timeout_s)

    def _run(self) -> None:
        held = False
        self._turns.begin()
        for part in self._probes:  # who is away is known, and shown, before a job fails on it
            self._look_at(part)
        while not self._stopping:
            self._wake.clear()
            if bool(self._down) is not held:
                held = not held
                (self._hold if held else self._go_on)()
            self._turns.end()
            woken = self._wake.wait(self._every_s if held else None)
            self._turns.begin()
            if woken:
                continue
            for part in self.down:
                self._look_at(part)
            self._remind()

    def _look_at(self, part: Part) -> bool:
        try:
            self._probes[part]()
        except PermanentError:  # it refuses us, so it is there; the job will say what is wrong
            self._close(part)
        except JobError as error:
            self._open(part, error)
            return True
        else:
            self._close(part)
        return False

    def _open(self, part: Part, error: JobError) -> None:
        with self._lock:
            if part in self._down:
                return
            self._down[part] = time.monotonic()
            self._closed.clear()
            self._wake.set()
        self._remind_at = time.monotonic() + _REMIND_S
        log.warning("breaker.opened", part=str(part), reason=error.reason, remedy=PART_WORDS[part].remedy)

    def _close(self, part: Part) -> None:
        with self._lock:
            since = self._down.pop(part, None)
            if since is None:
                return
            if not self._down:
                self._closed.set()
                self._wake.set()
        log.info("breaker.closed", part=str(part), down_for_s=round(time.monotonic() - since, 1))

    def _remind(self) -> None:
        now = time.monotonic()
        if now < self._remind_at:
            return
        self._remind_at = now + _REMIND_S
        with self._lock:
            lasting = dict(self._down)
        for part, since in lasting.items():
            log.warning("breaker.open", part=str(part), down_for_s=round(now - since), remedy=PART_WORDS[part].remedy)
