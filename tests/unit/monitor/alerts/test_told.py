"""What a channel has to be told."""

from relais_monitor.alerts.instance import Instance, Phase
from relais_monitor.alerts.notifying.notification import Notification
from relais_monitor.alerts.notifying.told import Told

RULE = "RelaisBrokerDown"


def _firing(fired_at: float = 60.0) -> Instance:
    return Instance(RULE, (), Phase.FIRING, since=0.0, value=0.0, fired_at=fired_at)


def _resolved(fired_at: float = 60.0, resolved_at: float = 90.0) -> Instance:
    return Instance(RULE, (), Phase.RESOLVED, since=0.0, value=0.0, fired_at=fired_at, resolved_at=resolved_at)


def _phases(due: list[Notification]) -> list[Phase]:
    return [notification.alert.phase for notification in due]


def _after(told: Told, alert: Instance) -> Told:
    told.note(alert)
    return told


def test_a_firing_alert_is_told_once() -> None:
    """As long as it fires nothing more is due."""
    told = Told()
    assert _phases(told.due([_firing()], ())) == [Phase.FIRING]
    assert _after(told, _firing()).due([_firing()], ()) == []


def test_its_end_is_told_once() -> None:
    """Whoever was called learns that it is over."""
    told = _after(Told(), _firing())
    assert _phases(told.due([_resolved()], ())) == [Phase.RESOLVED]
    assert _after(told, _resolved()).due([_resolved()], ()) == []


def test_a_pending_alert_is_not_told() -> None:
    """Nobody is called for what may pass."""
    assert Told().due([Instance(RULE, (), Phase.PENDING, since=0.0, value=0.0)], ()) == []


def test_what_fires_anew_is_told_anew() -> None:
    """A second time is a second event, even when the end of the first was never delivered."""
    told = _after(Told(), _firing(60))
    assert _phases(told.due([_firing(200)], ())) == [Phase.FIRING]


def test_a_silence_holds_back_the_firing_alone() -> None:
    """A silenced alert isn't told until the silence ends; the end of what was told always is."""
    assert Told().due([_firing()], {RULE}) == []
    assert _phases(Told().due([_firing()], ())) == [Phase.FIRING]
    assert _phases(_after(Told(), _firing()).due([_resolved()], {RULE})) == [Phase.RESOLVED]


def test_the_end_of_what_nobody_was_told_is_no_news() -> None:
    """What fired and ended within a silence is never told."""
    assert Told().due([_resolved()], ()) == []


def test_the_oldest_is_told_first() -> None:
    """In the order in which they fired, so that the cause comes before what follows from it."""
    later = Instance("RelaisMessagesPending", (("kind", "answer"),), Phase.FIRING, 0.0, 11.0, fired_at=300.0)
    assert [n.alert.fired_at for n in Told().due([later, _firing(60)], ())] == [60.0, 300.0]


def test_who_takes_over_tells_once_more_what_fires() -> None:
    """Nobody knows whether the monitor before told it, however long ago: twice is better than not at all."""
    told = Told()
    told.assume([_firing(60)], now=1000)
    assert _phases(told.due([_firing(60)], ())) == [Phase.FIRING]
    assert _after(told, _firing(60)).due([_firing(60)], ()) == []


def test_who_takes_over_tells_the_end() -> None:
    """An alert that resolved just before is told as resolved; one that did a while ago is not."""
    told = Told()
    told.assume([_resolved(60, 90)], now=100)
    assert _phases(told.due([_resolved(60, 90)], ())) == [Phase.RESOLVED]
    told.assume([_resolved(60, 90)], now=200)
    assert told.due([_resolved(60, 90)], ()) == []


def test_what_was_told_stays_told_while_another_leads() -> None:
    """Who leads again tells nothing that it told itself."""
    told = _after(Told(), _firing(60))
    told.assume([_firing(60)], now=1000)
    assert told.due([_firing(60)], ()) == []


def test_an_end_that_is_owed_is_never_assumed() -> None:
    """Who led and couldn't deliver still has to, when it leads again and nobody did meanwhile."""
    told = _after(Told(), _firing(60))
    told.owe([_resolved(60, 90)], ())
    told.assume([_resolved(60, 90)], now=1000)
    assert _phases(told.due([_resolved(60, 90)], ())) == [Phase.RESOLVED]


def test_what_is_assumed_outlives_a_restart() -> None:
    """The end of what another monitor told is told by this one after its restart, too."""
    told = Told()
    told.assume([_firing(60)], now=1000)
    assert _phases(Told(told.export()).due([_resolved(60, 1001)], ())) == [Phase.RESOLVED]


def test_an_event_keeps_its_id() -> None:
    """A receiver can drop what it was sent twice; the end and the next time have ids of their own."""
    events = [_firing(60), _resolved(60), _firing(200)]
    assert Notification(_firing(60)).id == Notification(_firing(60)).id
    assert len({Notification(event).id for event in events}) == 3
