"""Remembers for how much of each minute the oldest waiting job was beyond the objective."""

from collections.abc import Mapping
from typing import Final

from relais.queues import Kind
from relais_monitor.alerts.figures import BURN_WINDOWS_S, OBJECTIVE_WAIT_S

_KEPT_S: Final = max(BURN_WINDOWS_S)

Record = dict[int, dict[str, list[int]]]
"""By minute and kind: how often it was looked at, and how often it was late."""


class LateMinutes:
    """What was seen in the last hours, by the minute. One thread at a time."""

    def __init__(self, record: Record | None = None) -> None:
        self._record: Record = record or {}

    def note(self, oldest_waiting_s: Mapping[Kind, float], now: float) -> None:
        """Note what is seen now, and forget what is too old to matter."""
        minute = self._record.setdefault(int(now // 60), {})
        for kind, age_s in oldest_waiting_s.items():
            counts = minute.setdefault(kind, [0, 0])
            counts[0] += 1
            counts[1] += age_s > OBJECTIVE_WAIT_S
        for old in [minute for minute in self._record if minute * 60 < now - _KEPT_S]:
            del self._record[old]

    def shares(self, now: float) -> dict[tuple[Kind, int], float]:
        """By kind and window, the share of looks that found it late; a window without any is missing."""
        return {
            (kind, window_s): late / looks
            for kind in Kind
            for window_s in BURN_WINDOWS_S
            for looks, late in [self._sum(kind, now - window_s)]
            if looks
        }

    def export(self) -> Record:
        """The record, to be kept over a restart."""
        return self._record

    def _sum(self, kind: Kind, begin: float) -> tuple[int, int]:
        counts = [seen[kind] for minute, seen in self._record.items() if minute * 60 >= begin and kind in seen]
        return sum(looks for looks, _ in counts), sum(late for _, late in counts)
