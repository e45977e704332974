"""Settings of the alerts."""

import base64
import binascii
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from relais.settings import RelaisSettings

_SECRET_BYTES: Final = (24, 64)  # the Standard Webhooks specification


class AlertSettings(RelaisSettings):
    """Whom the monitor tells of alerts, and how often it looks."""

    alert_every_s: float = Field(5.0, ge=0.2, le=60, description="How often the monitor judges its alerts.")
    alert_webhook_url: SecretStr | None = Field(
        None, description="Gets a signed POST when an alert fires or resolves; none: no webhook."
    )
    alert_webhook_secret: SecretStr | None = Field(
        None,
        validate_default=True,
        description="Signs the webhook's requests: `whsec_` and 24 to 64 random bytes in base64.",
    )
    alert_smtp_url: SecretStr | None = Field(
        None,
        description="Mail server for alerts, `smtp://user:password@host:587` or `smtps://…:465`; none: no e-mail.",
    )
    alert_email_from: str | None = Field(
        None, validate_default=True, description="Sender of the e-mails about alerts; required with a mail server."
    )
    alert_email_to: str | None = Field(
        None,
        validate_default=True,
        description="Who gets the e-mails about alerts, separated by commas; required with a mail server.",
    )
    runbook_url: str = Field(
        "docs/runbook.md", description="Where your people find the runbook; links of alerts begin with it."
    )

    @field_validator("alert_webhook_url")
    @classmethod
    def _is_an_http_address(cls, url: SecretStr | None) -> SecretStr | None:
        return _check_address(url, ("http", "https"))

    @field_validator("alert_smtp_url")
    @classmethod
    def _is_a_mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        return _check_address(url, ("smtp", "smtps"))

    @field_validator("alert_webhook_secret")
    @classmethod
    def _signs(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None and info.data.get("alert_webhook_url") is not None:
            raise ValueError("is required with RELAIS_ALERT_WEBHOOK_URL")
        if secret is not None and not _is_a_webhook_secret(secret.get_secret_value()):
            raise ValueError(
                "must be 24 to 64 random bytes in base64 after whsec_; "
                "make one with: echo whsec_$(openssl rand -base64 32)"
            )
        return secret

    @field_validator("alert_email_from", "alert_email_to")
    @classmethod
    def _has_addresses(cls, addresses: str | None, info: ValidationInfo) -> str | None:
        if addresses is None and info.data.get("alert_smtp_url") is not None:
            raise ValueError("is required with RELAIS_ALERT_SMTP_URL")
        if addresses is not None and not all("@" in each for each in addresses.split(",")):
            raise ValueError("must be e-mail addresses, such as alerts@example.org")
        return addresses


def _check_address(url: SecretStr | None, schemes: tuple[str, ...]) -> SecretStr | None:
    """Return it, or raise ValueError without repeating any of it."""
    if url is None:
        return None
    try:
        parts = urlsplit(url.get_secret_value())
        complete = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        complete = False
    if not complete:
        raise ValueError(f"must be an address that begins with {' or '.join(f'{name}://' for name in schemes)}")
    return url


def _is_a_webhook_secret(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return False
    return secret.startswith("whsec_") and _SECRET_BYTES[0] <= len(key) <= _SECRET_BYTES[1]
