"""Posts notifications to a webhook, signed as the Standard Webhooks specification says.

Specification: standardwebhooks.com; version 1 signatures (HMAC-SHA256 over id, timestamp and body).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx
from standardwebhooks.webhooks import Webhook

from relais_monitor.alerts.notifying.channel import UndeliveredError
from relais_monitor.alerts.notifying.notification import Notification

_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """A receiver of webhooks."""

    url: str
    secret: str
    runbook: str
    name: str = "webhook"

    def send(self, notification: Notification) -> None:
        """Post it; any answer of the 200s means that the receiver took it.

        Raises:
            UndeliveredError: no answer, or another one.
        """
        body = json.dumps(notification.body(self.runbook))
        try:
            reply = httpx.post(self.url, content=body, headers=self._headers(notification, body), timeout=_TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UndeliveredError(type(error).__name__) from None  # its text may hold the address
        if not reply.is_success:
            raise UndeliveredError(f"HTTP status {reply.status_code}")

    def _headers(self, notification: Notification, body: str) -> dict[str, str]:
        # The time of the attempt, not of the alert: receivers refuse what is older than some minutes.
        now = datetime.now(UTC)
        return {
            "Content-Type": "application/json",
            "User-Agent": "Relais",
            "webhook-id": notification.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(notification.id, now, body),
        }
