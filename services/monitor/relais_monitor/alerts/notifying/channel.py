"""What a way of notifying has in common with the others."""

from typing import Protocol

from relais_monitor.alerts.notifying.notification import Notification


class UndeliveredError(Exception):
    """The receiver did not take a notification; another attempt may succeed. Never names an address or a secret."""


class PartlyDeliveredError(Exception):
    """Some of those whom a channel reaches were told, others refused; nobody is told again. Names no address."""


class Channel(Protocol):
    """A way to reach people."""

    @property
    def name(self) -> str:
        """How the status and the log call it."""

    def send(self, notification: Notification) -> None:
        """Deliver it within a few seconds.

        Raises:
            UndeliveredError: the receiver didn't take it.
            PartlyDeliveredError: some receivers took it and others didn't.
        """
