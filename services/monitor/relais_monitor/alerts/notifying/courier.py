"""Delivers what one channel has to tell, in a thread of its own: a receiver that hangs delays no other."""

import threading
from collections.abc import Callable
from typing import Final

import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_random_exponential,
)

from relais_monitor.alerts.notifying.channel import Channel, UndeliveredError
from relais_monitor.alerts.notifying.notification import Notification

# Then the next one has its turn; what wasn't delivered is still due, and is tried again with the next look.
_PATIENCE_S: Final = 300.0
_LONGEST_WAIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 6.0

log = structlog.get_logger(__name__)


class Courier:
    """The thread of a channel.

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
            self._news.wait()
            self._news.clear()
            try:
                self._tell_all()
            except Exception:
                # A thread that died silently would be worse than any error: the log has it, the next look wakes us.
                self.error = "unexpected, see the monitor's log"
                log.exception("alert.telling_failed", channel=self.channel.name)

    def _tell_all(self) -> None:
        for notification in self._due():
            if not self._stopping.is_set():
                self._deliver(notification)

    def _is_due(self, notification: Notification) -> bool:
        return notification.id in {due.id for due in self._due()}  # its value changes from look to look

    def _deliver(self, notification: Notification) -> None:
        retrying = Retrying(
            retry=retry_if_exception_type(UndeliveredError),
            wait=self._wait,
            stop=stop_any(stop_when_event_set(self._stopping), stop_after_delay(_PATIENCE_S)),
            sleep=sleep_using_event(self._stopping),
            before_sleep=self._note_failure,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    if not self._is_due(notification):  # resolved, silenced, or another monitor's to tell by now
                        self.error = None
                        return
                    self.channel.send(notification)
        except UndeliveredError as error:
            self.error = str(error)
            log.warning("alert.undelivered", channel=self.channel.name, rule=notification.alert.rule, reason=self.error)
            return
        self.error = None
        self._note(notification)
        log.info("alert.told", channel=self.channel.name, rule=notification.alert.rule, phase=notification.alert.phase)

    def _note_failure(self, state: RetryCallState) -> None:
        self.error = str(state.outcome.exception()) if state.outcome else None
