"""A webhook's receiver that answers in drips."""

import time

import pytest

from relais_monitor.alerts.instance import Instance, Phase
from relais_monitor.alerts.notifying.channel import UndeliveredError
from relais_monitor.alerts.notifying.notification import Notification
from relais_monitor.alerts.notifying.webhook import WebhookChannel
from support.scripted_server import scripted

FIRING = Notification(Instance("RelaisNoWorker", (), Phase.FIRING, 1e9, 2.0, fired_at=1e9 + 60))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"  # noqa: S105 -- of this test alone


def test_a_status_that_comes_in_drips_is_not_waited_for():
    """Each byte is in time, the whole never would be."""
    drips = [step for byte in b"HTTP/1.1 200 OK" * 20 for step in (bytes([byte]), 0.1)]
    with scripted(*drips) as server:
        began = time.monotonic()
        with pytest.raises(UndeliveredError, match="TimeoutError"):
            WebhookChannel(server.url, SECRET, "docs/runbook.md", limit_s=0.5).send(FIRING)
        assert time.monotonic() - began < 5
        assert server.left.wait(5)


def test_the_body_of_a_reply_is_nobodys_business():
    """The status says that it was taken; a body without end holds nobody."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with scripted(head, *[step for _ in range(100) for step in (b"x", 0.1)]) as server:
        WebhookChannel(server.url, SECRET, "docs/runbook.md", limit_s=5).send(FIRING)
        assert server.left.wait(5)
