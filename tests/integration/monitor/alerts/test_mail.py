"""Notifications by e-mail, to a real mail server."""

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from structlog.testing import capture_logs

from relais_cli.parts.ports import free_port
from relais_monitor.alerts.instance import Instance, Phase
from relais_monitor.alerts.notifying.channel import PartlyDeliveredError, UndeliveredError
from relais_monitor.alerts.notifying.mail import MailChannel
from relais_monitor.alerts.notifying.notification import Notification

LABELS = (("kind", "answer"),)
FIRING = Notification(Instance("RelaisFailureRatioHigh", LABELS, Phase.FIRING, 1e9, 0.2, fired_at=1e9 + 120))
RESOLVED = Notification(
    Instance("RelaisFailureRatioHigh", LABELS, Phase.RESOLVED, 1e9, 0.2, fired_at=1e9 + 120, resolved_at=1e9 + 300)
)


@dataclass
class Mailbox:
    """What the server took."""

    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:  # noqa: N802 -- upstream's name
        if address in self.refused:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 -- upstream's name
        self.envelopes.append(envelope)
        return "250 OK"

    def authenticate(self, _server, _session, _envelope, _mechanism, given: LoginPassword) -> AuthResult:
        self.logins.append(given.password)
        return AuthResult(success=given.password == b"s3cret p@ss")

    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(envelope.content, policy=default) for envelope in self.envelopes]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(mailbox) -> Iterator[int]:
    """A server without TLS."""
    yield from _serve(mailbox)


@pytest.fixture
def tls_port(mailbox, tmp_path, monkeypatch) -> Iterator[int]:
    """A server that offers TLS, with a certificate that this process trusts, and wants a login."""
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *files,
         "-days", "2", "-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    yield from _serve(mailbox, tls_context=context, authenticator=mailbox.authenticate, auth_required=True)


def _serve(mailbox, **options) -> Iterator[int]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    yield controller.port
    controller.stop()


def _channel(url: str) -> MailChannel:
    return MailChannel(url, "relais@example.org", ("a@example.org", "b@example.org"), "docs/runbook.md")


def test_a_mail_says_what_fires_and_what_resolved(port, mailbox):
    """The subject alone is enough to decide whether to get up; the text has the evidence and the runbook."""
    channel = _channel(f"smtp://127.0.0.1:{port}")
    channel.send(FIRING)
    channel.send(RESOLVED)
    firing, resolved = mailbox.mails()
    assert firing["Subject"] == "[Relais critical] RelaisFailureRatioHigh: More than 5 % of the jobs fail."
    assert resolved["Subject"].startswith("[Relais resolved] RelaisFailureRatioHigh")
    assert firing["To"] == "a@example.org, b@example.org"
    text = firing.get_content()
    assert "20.0% of the jobs of the last 5 minutes failed (kind answer)" in text
    assert "docs/runbook.md#relaisfailureratiohigh" in text
    assert mailbox.envelopes[0].rcpt_tos == ["a@example.org", "b@example.org"]
    assert firing["Message-ID"] != resolved["Message-ID"]


def test_a_recipient_that_the_server_refuses_is_said(port, mailbox):
    """The others are told, and who isn't stands in the log, but not in the report, which everybody may read."""
    mailbox.refused = {"b@example.org"}
    with capture_logs() as logs, pytest.raises(PartlyDeliveredError, match=r"^1 of 2 recipients refused$"):
        _channel(f"smtp://127.0.0.1:{port}").send(FIRING)
    assert mailbox.envelopes[0].rcpt_tos == ["a@example.org"]
    assert [entry["recipients"] for entry in logs] == [{"b@example.org": 550}]


def test_logs_in_over_tls(tls_port, mailbox):
    """Where the server offers TLS it is used, certificate checked, before the password is sent."""
    _channel(f"smtp://me:s3cret%20p%40ss@127.0.0.1:{tls_port}").send(FIRING)
    assert mailbox.logins == [b"s3cret p@ss"]
    assert len(mailbox.mails()) == 1


def test_a_password_is_never_sent_in_the_clear(port, mailbox):
    """A server that offers no TLS gets no password, and the reason is said."""
    with pytest.raises(UndeliveredError, match="no TLS"):
        _channel(f"smtp://me:s3cret@127.0.0.1:{port}").send(FIRING)
    assert mailbox.logins == []


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:9", "smtps://127.0.0.1:9"])
def test_a_server_that_is_away_can_be_tried_again(url):
    """No address in the reason, which the report shows to everybody."""
    with pytest.raises(UndeliveredError) as caught:
        _channel(url).send(FIRING)
    assert str(caught.value) == "ConnectionRefusedError"


def test_a_wrong_certificate_is_refused(tls_port, mailbox, monkeypatch):
    """Nobody in between gets the password."""
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UndeliveredError, match="SSLCertVerificationError"):
        _channel(f"smtp://me:s3cret@127.0.0.1:{tls_port}").send(FIRING)
    assert mailbox.logins == []
