"""Posts notifications to a webhook, signed as the Standard Webhooks specification says.

Specification: standardwebhooks.com; version 1 signatures (HMAC-SHA256 over id, timestamp and body).
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx
from standardwebhooks.webhooks import Webhook

from relais_monitor.alerts.notifying.channel import UndeliveredError
from relais_monitor.alerts.notifying.notification import Notification

_TIMEOUT_S: Final = 5.0  # of each step: to connect, to write, to read


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """A receiver of webhooks; within `limit_s` it has taken a notification or has not."""

    url: str
    secret: str
    runbook: str
    limit_s: float = 10.0
    name: str = "webhook"

    def send(self, notification: Notification) -> None:
        """Post it; any answer of the 200s means that the receiver took it.

        Raises:
            UndeliveredError: no answer, or another one.
        """
        body = json.dumps(notification.body(self.runbook))
        try:
            status = asyncio.run(self._post(body, self._headers(notification, body)))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise UndeliveredError(type(error).__name__) from None  # its text may hold the address
        if not httpx.codes.is_success(status):
            raise UndeliveredError(f"HTTP status {status}")

    async def _post(self, body: str, headers: dict[str, str]) -> int:
        # httpx' own limits begin anew with every byte, so that a reply in drips would never end; its body isn't read.
        async with (
            asyncio.timeout(self.limit_s),
            httpx.AsyncClient(timeout=_TIMEOUT_S) as client,
            client.stream("POST", self.url, content=body, headers=headers) as reply,
        ):
            return reply.status_code

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
