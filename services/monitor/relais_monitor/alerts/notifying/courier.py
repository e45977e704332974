"""Delivers what one channel has to tell, in a thread of its own: a receiver that hangs delays no other."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from tenacity import RetryCallState, Retrying, wait_random_exponential

from relais_monitor.alerts.notifying.channel import Channel, PartlyDeliveredError, UndeliveredError
from relais_monitor.alerts.notifying.notification import Notification

_LONGEST_WAIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 6.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Refused:
    """A notification that wasn't taken: the attempts so far, and when the next one may be."""

    attempts: RetryCallState = field(default_factory=lambda: RetryCallState(Retrying(), None, (), {}))
    next_at: float = 0.0


class Courier:
    """The thread of a channel.

    Each notification is tried at once and has pauses of its own: one that the receiver refuses delays no other.

    Args:
        channel: where to deliver.
        due: what has to be told now; asked again before every attempt.
        note: called with what was delivered.
        first_wait_s: the longest wait before the second attempt; later ones wait longer, at random.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        due: Callable[[], list[Notification]],
        note: Callable[[Notification], None],
        first_wait_s: float = 2.0,
    ) -> None:
        self.channel = channel
        self.error: str | None = None
        self._due = due
        self._note = note
        self._wait = wait_random_exponential(multiplier=first_wait_s / 2, max=_LONGEST_WAIT_S)
        self._refused: dict[str, _Refused] = {}
        self._partly: str | None = None  # who refused the last one that others took
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"courier-{channel.name}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def wake(self) -> None:
        """Look whether there is something to tell."""
        self._news.set()

    def stop(self) -> None:
        """End after the attempt that is under way; what is left is due after a restart."""
        self._stopping.set()
        self._news.set()
        self._thread.join(_STOP_LIMIT_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._news.wait(self._pause_s())
            self._news.clear()
            try:
                self._tell_all()
            except Exception:
                # A thread that died silently would be worse than any error: the log has it, the next look wakes us.
                self._refused.clear()
                self.error = "unexpected, see the monitor's log"
                log.exception("alert.telling_failed", channel=self.channel.name)

    def _pause_s(self) -> float | None:
        """How long until something may be tried again; None when that takes news."""
        if not self._refused:
            return None
        return max(min(refused.next_at for refused in self._refused.values()) - time.monotonic(), 0.0)

    def _tell_all(self) -> None:
        due = self._due()
        self._refused = {each.id: self._refused[each.id] for each in due if each.id in self._refused}
        for notification in due:
            if self._stopping.is_set():
                return
            if self._may_try(notification):
                self._deliver(notification)
        if not self._refused:
            self.error = self._partly

    def _may_try(self, notification: Notification) -> bool:
        refused = self._refused.get(notification.id)
        if refused is not None and refused.next_at > time.monotonic():
            return False
        # Resolved, silenced, or another monitor's to tell by now? Its value changes from look to look, its id doesn't.
        return notification.id in {due.id for due in self._due()}

    def _deliver(self, notification: Notification) -> None:
        try:
            self.channel.send(notification)
        except UndeliveredError as error:
            self._note_failure(notification, str(error))
            return
        except PartlyDeliveredError as error:
            self._partly = str(error)
        else:
            self._partly = None
        self._refused.pop(notification.id, None)
        self._note(notification)
        log.info("alert.told", channel=self.channel.name, rule=notification.alert.rule, phase=notification.alert.phase)

    def _note_failure(self, notification: Notification, reason: str) -> None:
        refused = self._refused.setdefault(notification.id, _Refused())
        refused.next_at = time.monotonic() + self._wait(refused.attempts)
        refused.attempts.attempt_number += 1
        self.error = reason
        log.warning("alert.undelivered", channel=self.channel.name, rule=notification.alert.rule, reason=reason)
