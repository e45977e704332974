"""Keeps the couriers of all channels up to date."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from relais_monitor.alerts.instance import Instance, Key
from relais_monitor.alerts.judging import DATABASE_DOWN
from relais_monitor.alerts.notifying.channel import Channel
from relais_monitor.alerts.notifying.courier import Courier
from relais_monitor.alerts.notifying.leadership import Leadership
from relais_monitor.alerts.notifying.notification import Notification
from relais_monitor.alerts.notifying.told import Told


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a channel does: what it has to tell still, and why the last attempt failed."""

    channel: str
    undelivered: int
    error: str | None


class Desk:
    """Knows the alerts as they are; who may be told of them now, and of which.

    Args:
        channels: where to tell; without any, nothing is started and no lock is taken.
        leadership: whether this monitor is the one that tells.
        told: what each channel was told before a restart.
        first_wait_s: see `Courier`.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        leadership: Leadership,
        told: Mapping[str, Mapping[Key, float]],
        *,
        first_wait_s: float = 2.0,
    ) -> None:
        self._leadership = leadership
        self._told = {channel.name: Told(told.get(channel.name)) for channel in channels}
        self._couriers = [self._courier(channel, first_wait_s) for channel in channels]
        self._alerts: Mapping[Key, Instance] = {}
        self._muted: Collection[str] = ()
        self.leads = False

    def start(self) -> None:
        """Begin to tell."""
        for courier in self._couriers:
            courier.start()

    def stop(self) -> None:
        """Stop telling, and let another monitor do so."""
        for courier in self._couriers:
            courier.stop()
        self._leadership.close()

    def inform(self, alerts: Mapping[Key, Instance], muted: Collection[str], now: float, *, database_up: bool) -> None:
        """Take the alerts as they are now."""
        if not self._couriers:
            return
        leads = self._leadership.leads(database_up=database_up)
        for told in self._told.values():
            if leads:
                told.owe(alerts.values(), muted)
            elif database_up:
                told.assume(alerts.values(), now)
            told.forget(alerts)
        ours = alerts if leads else _of_the_outage(alerts, database_up=database_up)
        self._alerts, self._muted, self.leads = ours, muted, leads or not database_up
        for courier in self._couriers:
            courier.wake()

    def told(self) -> dict[str, dict[Key, float]]:
        """What each channel was told, to be kept over a restart."""
        return {name: told.export() for name, told in self._told.items()}

    def status(self) -> list[ChannelStatus]:
        """How the channels do."""
        return [
            ChannelStatus(courier.channel.name, len(self._due(self._told[courier.channel.name])), courier.error)
            for courier in self._couriers
        ]

    def _courier(self, channel: Channel, first_wait_s: float) -> Courier:
        told = self._told[channel.name]

        def note(notification: Notification) -> None:
            told.note(notification.alert)

        return Courier(channel, due=lambda: self._due(told), note=note, first_wait_s=first_wait_s)

    def _due(self, told: Told) -> list[Notification]:
        return told.due(self._alerts.values(), self._muted) if self.leads else []


def _of_the_outage(alerts: Mapping[Key, Instance], *, database_up: bool) -> dict[Key, Instance]:
    """What a monitor that doesn't lead tells: that the database is away, since who leads may be gone with it."""
    return {key: alert for key, alert in alerts.items() if not database_up and alert.rule == DATABASE_DOWN}
