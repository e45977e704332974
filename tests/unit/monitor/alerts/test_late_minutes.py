"""For how much of the last hours the oldest waiting message was late."""

import pytest

from relais.queues import Kind
from relais_monitor.alerts.late_minutes import LateMinutes

LATE, IN_TIME = {Kind.ANSWER: 61.0}, {Kind.ANSWER: 60.0}


def _shares(looks, now):
    minutes = LateMinutes()
    for at, ages in looks:
        minutes.note(ages, at)
    return {window_s: share for (_, window_s), share in minutes.shares(now).items()}


def test_shares_are_those_of_each_window():
    """Ten late minutes at the end of an hour are all of five minutes and a sixth of the hour."""
    looks = [(at, LATE if at >= 3000 else IN_TIME) for at in range(0, 3600, 60)]
    shares = _shares(looks, now=3599.0)
    assert shares[300] == 1.0
    assert shares[1800] == pytest.approx(1 / 3, abs=0.02)
    assert shares[3600] == pytest.approx(1 / 6, abs=0.01)


def test_a_window_without_a_look_is_missing():
    """What nobody saw is not 0."""
    assert 300 not in _shares([(0, LATE)], now=3000.0)


def test_what_is_older_than_six_hours_is_forgotten():
    """The record doesn't grow with the days."""
    minutes = LateMinutes()
    for at in range(0, 86_400, 60):
        minutes.note(IN_TIME, float(at))
    assert len(minutes.export()) <= 362
