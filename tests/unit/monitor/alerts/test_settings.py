"""The settings of notifications: complete, or refused at boot by name."""

import pytest
from pydantic import ValidationError

from relais_monitor.alerts.notifying.channels import make_channels
from relais_monitor.alerts.settings import AlertSettings

SECRET = "whsec_" + "c2VjcmV0" * 4
WEBHOOK = {"alert_webhook_url": "https://hooks.example.org/T0K3N", "alert_webhook_secret": SECRET}
MAIL = {"alert_smtp_url": "smtp://me:s3cret@mail.example.org", "alert_email_from": "a@example.org"}


def _settings(**given: str) -> AlertSettings:
    return AlertSettings(_env_file=None, **given)


def test_no_channel_by_default() -> None:
    """Without addresses nobody is told, and nothing is asked for."""
    assert make_channels(_settings()) == ()


def test_both_channels() -> None:
    """Webhook and e-mail go side by side."""
    channels = make_channels(_settings(**WEBHOOK, **MAIL, alert_email_to="b@example.org, c@example.org"))
    assert [channel.name for channel in channels] == ["webhook", "e-mail"]
    assert channels[1].recipients == ("b@example.org", "c@example.org")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"alert_webhook_url": "https://hooks.example.org"}, "alert_webhook_secret"),
        ({"alert_webhook_url": "hooks.example.org/T0K3N"}, "alert_webhook_url"),
        ({**WEBHOOK, "alert_webhook_secret": "T0K3N-that-is-no-base64"}, "alert_webhook_secret"),
        ({**WEBHOOK, "alert_webhook_secret": "whsec_dG9vIHNob3J0"}, "alert_webhook_secret"),
        ({"alert_smtp_url": "http://me:s3cret@mail.example.org"}, "alert_smtp_url"),
        ({"alert_smtp_url": "smtp://mail.example.org"}, "alert_email_from"),
        (MAIL, "alert_email_to"),
        ({**MAIL, "alert_email_to": "nobody"}, "alert_email_to"),
    ],
    ids=["no secret", "no scheme", "no base64", "short", "no mail", "no sender", "no recipient", "no address"],
)
def test_what_is_missing_or_wrong_is_named(given, field) -> None:
    """The message names the variable, and repeats no secret."""
    with pytest.raises(ValidationError) as caught:
        _settings(**given)
    problems = caught.value.errors(include_url=False, include_input=False)
    assert field in {problem["loc"][0] for problem in problems}
    assert not any(secret in problem["msg"] for problem in problems for secret in ("T0K3N", "s3cret"))
