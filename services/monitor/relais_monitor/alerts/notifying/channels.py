"""Makes the channels that the settings ask for."""

from collections.abc import Iterator

from relais_monitor.alerts.notifying.channel import Channel
from relais_monitor.alerts.notifying.mail import MailChannel
from relais_monitor.alerts.notifying.webhook import WebhookChannel
from relais_monitor.alerts.settings import AlertSettings


def make_channels(settings: AlertSettings) -> tuple[Channel, ...]:
    """Give none, one or both."""
    return tuple(_channels(settings))


def _channels(settings: AlertSettings) -> Iterator[Channel]:
    if settings.alert_webhook_url and settings.alert_webhook_secret:
        yield WebhookChannel(
            settings.alert_webhook_url.get_secret_value(),
            settings.alert_webhook_secret.get_secret_value(),
            settings.runbook_url,
        )
    if settings.alert_smtp_url and settings.alert_email_from and settings.alert_email_to:
        yield MailChannel(
            settings.alert_smtp_url.get_secret_value(),
            settings.alert_email_from,
            tuple(address.strip() for address in settings.alert_email_to.split(",")),
            settings.runbook_url,
        )
