"""Sends notifications by e-mail."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from ssl import create_default_context
from typing import Final
from urllib.parse import unquote, urlsplit

import structlog

from relais_monitor.alerts.notifying.channel import PartlyDeliveredError, UndeliveredError
from relais_monitor.alerts.notifying.notification import Notification, in_utc

_TIMEOUT_S: Final = 5.0
# A folded subject begins with a space in some readers; RFC 5322 allows lines of this length.
_ONE_LINE: Final = policy.SMTP.clone(max_line_length=998)
_PORTS: Final = {"smtp": 587, "smtps": 465}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MailChannel:
    """A mail server and the people that it reaches.

    `url` is `smtp://user:password@host:587`, upgraded to TLS where the server offers it, or `smtps://…:465`. A password
    is never sent without TLS.
    """

    url: str
    sender: str
    recipients: tuple[str, ...]
    runbook: str
    name: str = "e-mail"

    def send(self, notification: Notification) -> None:
        """Send one mail to all recipients.

        Raises:
            UndeliveredError: the server isn't there, or refuses the mail or every recipient.
            PartlyDeliveredError: it refuses some of the recipients.
        """
        try:
            with self._server() as server:
                refused = server.send_message(self._mail(notification), self.sender, self.recipients)
        except (OSError, smtplib.SMTPException) as error:
            raise UndeliveredError(type(error).__name__) from None  # its text may hold addresses
        if refused:
            log.warning("alert.refused", recipients={address: code for address, (code, _) in refused.items()})
            raise PartlyDeliveredError(f"{len(refused)} of {len(self.recipients)} recipients refused")

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        tls = create_default_context()
        direct = parts.scheme == "smtps"
        connect = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=tls) if direct else None
        with connect or smtplib.SMTP(host, port, timeout=_TIMEOUT_S) as server:
            server.ehlo()
            encrypted = direct
            if not direct and server.has_extn("starttls"):
                server.starttls(context=tls)
                encrypted = True
            if parts.username:
                if not encrypted:
                    raise UndeliveredError("the mail server offers no TLS, and a password is never sent without")
                server.login(unquote(parts.username), unquote(parts.password or ""))
            yield server

    def _mail(self, notification: Notification) -> EmailMessage:
        mail = EmailMessage(_ONE_LINE)
        state = "resolved" if notification.resolved else notification.rule.severity.value
        mail["Subject"] = f"[Relais {state}] {notification.rule.name}: {notification.rule.summary}"
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{notification.id}@relais.invalid>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        mail.set_content(self._text(notification))
        return mail

    def _text(self, notification: Notification) -> str:
        alert, rule = notification.alert, notification.rule
        about = ", ".join(f"{name} {value}" for name, value in alert.labels)
        resolved = f", resolved {in_utc(alert.resolved_at)}" if notification.resolved else ""
        lines = [
            rule.summary,
            "",
            rule.evidence(alert.value) + (f" ({about})" if about else ""),
            f"Since {in_utc(alert.since)}{resolved}",
            "",
            rule.description,
            "",
            f"Runbook: {self.runbook}#{rule.anchor}",
        ]
        return "\n".join(lines) + "\n"
