"""The attempts that run in this process, and how each is told to stop."""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from uuid import UUID

from relais.errors import RunAborted, TransientError
from relais.store.claim import ClaimedJob


class Abort(StrEnum):
    """Why an attempt must stop."""

    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    DRAINING = "draining"
    DEADLINE = "deadline_exceeded"
    STALLED = "stalled"


TIME_MESSAGES = {
    Abort.DEADLINE: "The attempt took longer than the agent's deadline allows.",
    Abort.STALLED: "The attempt showed no progress for too long.",
}
KEEPS_A_RESULT = frozenset({Abort.DRAINING, Abort.DEADLINE, Abort.STALLED})
"""The job is still this attempt's, as far as it knows; the fence has the last word."""


class Run:
    """One attempt; implements `relais_worker.progress.Progress`.

    Args:
        job: what was claimed; its `deadline_s` starts now, in this thread.
        stall_s: seconds without a sign of life after which the attempt is given up.
        flush: stores the text so far for those who watch; called at most every `flush_every_s` seconds.
    """

    def __init__(
        self, job: ClaimedJob, *, stall_s: float, flush: Callable[[str], None], flush_every_s: float = 0.5
    ) -> None:
        self.job = job
        self._deadline = time.monotonic() + job.deadline_s
        self._stall_s = stall_s
        self._flush = flush
        self._flush_every_s = flush_every_s
        self._last_sign = time.monotonic()
        self._last_flush = -math.inf  # the clock may have begun a moment ago, with the machine
        self._text: list[str] = []
        self._abort: Abort | None = None
        self._settling = False
        self._due: float | None = None
        self._lock = threading.Lock()
        self.thread = threading.current_thread()

    @property
    def late_s(self) -> float:
        """Seconds since it should have ended: since it was told to stop, or since the time for settling was over."""
        due = self._due
        return 0.0 if due is None else max(0.0, time.monotonic() - due)

    @property
    def aborted(self) -> Abort | None:
        """Why it must stop; None while it may go on."""
        return self._abort

    def check(self) -> None:
        """See `Progress.check`."""
        self.notice_time()
        reason = self._abort
        if reason is None:
            return
        if reason in TIME_MESSAGES:
            raise TransientError(str(reason), TIME_MESSAGES[reason])
        raise RunAborted(str(reason))

    def remaining_s(self) -> float:
        """See `Progress.remaining_s`."""
        return max(0.0, self._deadline - time.monotonic())

    def beat(self) -> None:
        """See `Progress.beat`."""
        self._last_sign = time.monotonic()

    def write(self, text: str) -> None:
        """See `Progress.write`."""
        self.beat()
        self._text.append(text)
        if time.monotonic() - self._last_flush >= self._flush_every_s:
            self._flush("".join(self._text))
            self._last_flush = time.monotonic()

    def abort(self, reason: Abort) -> bool:
        """Tell the attempt to stop; the first reason stays. False: it is being settled, or was told before."""
        with self._lock:
            if self._settling or self._abort is not None:
                return False
            self._abort = reason
            self._due = time.monotonic()
            return True

    def notice_time(self) -> None:
        """Abort an attempt that is past its deadline or shows no sign of life."""
        now = time.monotonic()
        if now >= self._deadline:
            self.abort(Abort.DEADLINE)
        elif now - self._last_sign > self._stall_s:
            self.abort(Abort.STALLED)

    def begin_settling(self, patience_s: float = 0.0) -> Abort | None:
        """Close the window for aborts; return the reason if one came before. Settling may take `patience_s` seconds."""
        with self._lock:
            self._settling = True
            self._due = time.monotonic() + patience_s
            return self._abort

    def take_over(self) -> Abort | None:
        """Settle it in place of its own thread; None when that is settling it already, or was never told to stop."""
        with self._lock:
            if self._settling or self._abort is None:
                return None
            self._settling = True
            return self._abort


class Runs:
    """All attempts of this process. Thread-safe.

    A job that was cancelled and retried may have its old attempt still here beside the new one.
    """

    def __init__(self) -> None:
        self._runs: dict[tuple[UUID, int], Run] = {}
        self._changed = threading.Condition()
        self._claims = 0
        self._claim_lost_at = float("-inf")
        self._draining = False
        self._drained = threading.Event()

    @property
    def draining(self) -> bool:
        """Whether no new attempt may start."""
        return self._draining

    @contextmanager
    def claiming(self) -> Iterator[bool]:
        """Announce a claim, up to the tracking of what it brings; False when no new attempt may start."""
        with self._changed:
            may = not self._draining
            self._claims += may
        try:
            yield may
        except Exception:  # the database may have it nevertheless
            self._claim_lost_at = time.monotonic()
            raise
        finally:
            with self._changed:
                self._claims -= may
                self._changed.notify_all()

    @contextmanager
    def tracking(self, run: Run) -> Iterator[None]:
        """Keep the run's lease alive while inside."""
        key = run.job.id, run.job.attempt
        with self._changed:
            self._runs[key] = run
            if self._draining:  # its claim was under way when the drain began
                run.abort(Abort.DRAINING)
        try:
            yield
        finally:
            self.forget(run)

    def forget(self, run: Run) -> None:
        """Take it off the list; it may be off already."""
        with self._changed:
            self._runs.pop((run.job.id, run.job.attempt), None)
            self._changed.notify_all()

    @property
    def claim_lost_s(self) -> float:
        """Seconds since a claim failed, of which nobody knows whether it was committed; infinite without one."""
        return time.monotonic() - self._claim_lost_at

    def unknown(self, held: Iterable[tuple[UUID, int]]) -> list[tuple[UUID, int]]:
        """Of leases that this worker held a moment ago, those of no attempt here; none while a claim is under way.

        A claim that had brought one of them would be under way still, or tracked.
        """
        with self._changed:
            return [] if self._claims else [lease for lease in held if lease not in self._runs]

    def current(self) -> list[Run]:
        """The attempts that run now."""
        with self._changed:
            return list(self._runs.values())

    def begin_drain(self) -> None:
        """Start no more attempts."""
        with self._changed:
            self._draining = True

    def end_drain(self) -> None:
        """Let go of those that wait in `wait_until_drained`."""
        self._drained.set()

    def wait_until_drained(self) -> None:
        """Sit on a token while this worker drains: returning at once, it would eat the tokens of the other workers."""
        self._drained.wait()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait for the claims under way and the running attempts to end; False when some don't."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._runs and not self._claims, timeout_s)
