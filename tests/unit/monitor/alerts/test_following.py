"""The life of an alert, from look to look."""

from collections.abc import Mapping

from relais.parts import Part
from relais_monitor.alerts.figures import Figures
from relais_monitor.alerts.instance import KEPT_AFTER_RESOLVED_S, Instance, Key, Phase
from relais_monitor.alerts.judging import follow, inhibited, judge
from support.alert_figures import figures, past

BROKER: Key = ("RelaisBrokerDown", ())
DOWN, UP = figures(broker_up=False), figures()


def _looks(*looks: tuple[float, Figures | None]) -> dict[Key, Instance]:
    alerts: Mapping[Key, Instance] = {}
    for now, given in looks:
        alerts = follow(alerts, judge(given), now)
    return dict(alerts)


def test_fires_once_it_held_for_long_enough() -> None:
    """An alert is pending at first and fires when its time is over; since when it held is kept."""
    assert _looks((0, DOWN))[BROKER].phase is Phase.PENDING
    assert _looks((0, DOWN), (59, DOWN))[BROKER].phase is Phase.PENDING
    firing = _looks((0, DOWN), (59, DOWN), (60, DOWN), (70, DOWN))[BROKER]
    assert (firing.phase, firing.since, firing.fired_at) == (Phase.FIRING, 0, 60)


def test_a_short_trouble_never_fires() -> None:
    """What ends before its time is forgotten, and the next time begins anew."""
    assert BROKER not in _looks((0, DOWN), (50, UP))
    assert _looks((0, DOWN), (50, UP), (55, DOWN), (70, DOWN))[BROKER].phase is Phase.PENDING


def test_resolves_and_is_kept_for_an_hour() -> None:
    """What fired is shown as resolved for a while, then is gone."""
    resolved = _looks((0, DOWN), (60, DOWN), (90, UP))[BROKER]
    assert (resolved.phase, resolved.fired_at, resolved.resolved_at) == (Phase.RESOLVED, 60, 90)
    assert BROKER not in _looks((0, DOWN), (60, DOWN), (90, UP), (90 + KEPT_AFTER_RESOLVED_S, UP))


def test_what_comes_back_is_a_new_alert() -> None:
    """After it resolved it must hold for its time again."""
    again = _looks((0, DOWN), (60, DOWN), (90, UP), (100, DOWN))[BROKER]
    assert (again.phase, again.since, again.fired_at, again.resolved_at) == (Phase.PENDING, 100, None, None)


def test_unknown_is_not_resolved() -> None:
    """While nobody knows, an alert stays as it is."""
    unknown = figures(broker_up=None)
    assert _looks((0, DOWN), (60, DOWN), (90, unknown))[BROKER].phase is Phase.FIRING
    assert _looks((0, DOWN), (60, DOWN), (90, None))[BROKER].phase is Phase.FIRING
    assert _looks((0, DOWN), (30, unknown), (60, DOWN))[BROKER].phase is Phase.FIRING


def test_a_part_that_nobody_asks_any_more_is_resolved() -> None:
    """When the last worker is gone its alert doesn't stay for ever: that no worker lives is an alert of its own."""
    key: Key = ("RelaisOllamaDown", (("part", "ollama"),))
    down = figures(workers_waiting={Part.OLLAMA: 2, Part.QDRANT: 0})
    gone = figures(workers_alive=0, workers_waiting={})
    assert _looks((0, down), (120, down))[key].phase is Phase.FIRING
    assert _looks((0, down), (120, down), (125, gone))[key].phase is Phase.RESOLVED


def test_a_rule_fires_for_each_that_it_finds() -> None:
    """Two queues that are paused are two alerts; one resumes, the other goes on."""
    both, one = figures(queues_paused=("ai-messages", "documents")), figures(queues_paused=("documents",))
    alerts = _looks((0, both), (3600, both), (3700, one))
    phases = {alert.labels: alert.phase for alert in alerts.values()}
    assert phases == {(("queue", "ai-messages"),): Phase.RESOLVED, (("queue", "documents"),): Phase.FIRING}


def test_some_fire_at_once() -> None:
    """What must never be needs no time to be sure."""
    (alert,) = _looks((0, figures(past=past(duplicates_24h=1)))).values()
    assert alert.phase is Phase.FIRING


def test_what_follows_from_another_alert_is_inhibited() -> None:
    """Nobody is told of a backlog while the model server is down; the rules that aren't its consequence are heard."""
    model_down = figures(workers_waiting={Part.OLLAMA: 2, Part.QDRANT: 0})
    assert "RelaisBacklogLarge" not in inhibited(_looks((0, model_down)).values())
    muted = inhibited(_looks((0, model_down), (120, model_down)).values())
    assert "RelaisBacklogLarge" in muted
    assert "RelaisOllamaDown" not in muted
    assert "RelaisDuplicateAnswer" not in muted
