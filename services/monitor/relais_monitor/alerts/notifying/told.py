"""What one channel has been told, and what it has to be told still."""

import threading
from collections.abc import Collection, Mapping
from typing import Final

from relais_monitor.alerts.instance import Instance, Key, Phase
from relais_monitor.alerts.notifying.notification import Notification

# Another monitor that leads has told the end by then; a younger one is told again when that monitor is lost.
_END_TOLD_BY_OTHERS_AFTER_S: Final = 60.0
# When the firing was told that another monitor was to tell. Nobody knows whether it did, and no alert fired then: who
# takes over tells it once more, and tells its end.
_BY_ANOTHER: Final = 0.0


class Told:
    """Compares the alerts with what was told, rather than count events: nothing is lost by a restart or a silence.

    An alert that fires is told once for each time that it fired; its end is told when its firing was, silenced or not,
    so that whoever was called learns that it is over. What another monitor was to tell is only assumed to be told.
    """

    def __init__(self, told: Mapping[Key, float] | None = None) -> None:
        self._told: dict[Key, float] = dict(told or {})
        self._owed: dict[Key, Phase] = {}
        self._lock = threading.Lock()

    def due(self, alerts: Collection[Instance], muted: Collection[str]) -> list[Notification]:
        """What has to be told now, the oldest first; of muted rules only the end of what was told."""
        with self._lock:
            found = [alert for alert in alerts if self._is_due(alert, muted)]
        return [Notification(alert) for alert in sorted(found, key=lambda alert: alert.fired_at or 0.0)]

    def note(self, alert: Instance) -> None:
        """Note that the channel was told of an alert as it is here."""
        with self._lock:
            self._note(alert)

    def owe(self, alerts: Collection[Instance], muted: Collection[str]) -> None:
        """Note what is ours to tell: whoever notifies next, we never assume that it was told."""
        with self._lock:
            self._owed = {alert.key: alert.phase for alert in alerts if self._is_due(alert, muted)}

    def assume(self, alerts: Collection[Instance], now: float) -> None:
        """Take what the monitor that notifies has to tell as told by it, as far as that can be known."""
        with self._lock:
            for alert in alerts:
                if self._owed.get(alert.key) is not alert.phase:
                    self._assume(alert, now)

    def forget(self, alerts: Mapping[Key, Instance]) -> None:
        """Forget the alerts that are past."""
        with self._lock:
            self._told = {key: fired_at for key, fired_at in self._told.items() if key in alerts}
            self._owed = {key: phase for key, phase in self._owed.items() if key in alerts}

    def export(self) -> dict[Key, float]:
        """What was told, to be kept over a restart."""
        with self._lock:
            return dict(self._told)

    def _assume(self, alert: Instance, now: float) -> None:
        if alert.phase is Phase.RESOLVED and now - (alert.resolved_at or now) > _END_TOLD_BY_OTHERS_AFTER_S:
            self._note(alert)
        elif alert.phase is not Phase.PENDING:
            self._told.setdefault(alert.key, _BY_ANOTHER)

    def _is_due(self, alert: Instance, muted: Collection[str]) -> bool:
        told_at = self._told.get(alert.key)
        if alert.phase is Phase.FIRING:
            return alert.rule not in muted and told_at != alert.fired_at
        return alert.phase is Phase.RESOLVED and told_at is not None

    def _note(self, alert: Instance) -> None:
        if alert.phase is Phase.FIRING and alert.fired_at is not None:
            self._told[alert.key] = alert.fired_at
        else:
            self._told.pop(alert.key, None)
