"""Alerts over a restart of the monitor."""

import pytest

from relais_monitor.alerts.instance import Instance, Phase
from relais_monitor.alerts.memory import Memory, keep, recall

KEY = ("RelaisQueuePaused", (("queue", "documents"),))
FIRING = Instance(*KEY, phase=Phase.FIRING, since=1.0, value=1.0, fired_at=61.0)
PENDING = Instance("RelaisSweeperSilent", (), phase=Phase.PENDING, since=50.0, value=None)
MEMORY = Memory(
    {KEY: FIRING, PENDING.key: PENDING}, {"webhook": {KEY: 61.0}}, {30: {"answer": [12, 3]}, 31: {"answer": [12, 12]}}
)


def test_what_was_kept_is_recalled(tmp_path):
    """Alerts, what channels were told and the late minutes are the same after a restart."""
    keep(tmp_path, MEMORY, now=100.0)
    assert recall(tmp_path, now=105.0) == MEMORY


def test_after_a_long_gap_what_was_pending_begins_anew(tmp_path):
    """Nobody watched meanwhile; what fired fires still, until a look finds otherwise."""
    keep(tmp_path, MEMORY, now=100.0)
    assert list(recall(tmp_path, now=5000.0).alerts.values()) == [FIRING]


def test_without_a_folder_nothing_is_kept(tmp_path):
    """The state folder is an option."""
    keep(None, MEMORY, now=100.0)
    assert recall(None, now=100.0) == Memory()
    assert recall(tmp_path, now=100.0) == Memory()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"kept_at": 1}', '{"alerts": 1, "told": {}, "late": {}, "kept_at": 0}']
)
def test_a_file_that_cannot_be_read_is_left_aside(tmp_path, text):
    """A monitor starts with nothing rather than not at all."""
    (tmp_path / "alerts.json").write_text(text)
    assert recall(tmp_path, now=100.0) == Memory()


def test_an_alert_of_a_rule_that_is_gone_is_forgotten(tmp_path):
    """A new release may have other rules."""
    gone = Instance("RelaisOfYesterday", (), phase=Phase.FIRING, since=1.0, value=1.0, fired_at=2.0)
    keep(tmp_path, Memory({gone.key: gone}), now=100.0)
    assert recall(tmp_path, now=100.0).alerts == {}


def test_a_folder_that_is_gone_stops_nothing(tmp_path):
    """Alerts are worth more than their file."""
    keep(tmp_path / "gone", MEMORY, now=100.0)
