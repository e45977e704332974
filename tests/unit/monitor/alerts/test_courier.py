"""How a channel's deliveries are tried again."""

from dataclasses import dataclass, field

import pytest

from relais_monitor.alerts.instance import Instance, Phase
from relais_monitor.alerts.notifying.channel import PartlyDeliveredError, UndeliveredError
from relais_monitor.alerts.notifying.courier import Courier
from relais_monitor.alerts.notifying.notification import Notification
from support.waiting import wait_until


@dataclass
class Stumbling:
    """A channel that fails with what it is given, then delivers."""

    failures: list[Exception]
    attempts: list[str] = field(default_factory=list)
    name: str = "stumbling"

    def send(self, notification: Notification) -> None:
        self.attempts.append(notification.id)
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class Line:
    """What is due: one alert, whose value is another each time that somebody looks."""

    looks: int = 0
    over: bool = False

    def due(self) -> list[Notification]:
        self.looks += 1
        return [] if self.over else [Notification(Instance("RelaisNoWorker", (), Phase.FIRING, 0.0, self.looks, 60.0))]

    def note(self, _notification: Notification) -> None:
        self.over = True


@pytest.fixture
def make_courier():
    """Make couriers that run, and end them."""
    made = []

    def make(channel: Stumbling, line: Line) -> Courier:
        made.append(Courier(channel, due=line.due, note=line.note, first_wait_s=0.05))
        made[-1].start()
        made[-1].wake()
        return made[-1]

    yield make
    for courier in made:
        courier.stop()


def test_tries_again_until_it_is_delivered_although_the_figures_change(make_courier):
    """An alert whose value moves is the same event: one notification, whatever it counted when it was sent first."""
    channel, line = Stumbling([UndeliveredError("away")] * 3), Line()
    courier = make_courier(channel, line)
    wait_until(lambda: line.over, message="delivered")
    assert len(channel.attempts) == 4
    assert len(set(channel.attempts)) == 1
    wait_until(lambda: courier.error is None)


def test_gives_up_what_is_no_news_any_more(make_courier):
    """Nobody is told of what was silenced or has resolved while its receiver was away."""
    channel, line = Stumbling([UndeliveredError("away")] * 100_000), Line()
    courier = make_courier(channel, line)
    wait_until(lambda: len(channel.attempts) > 1, message="tried")
    line.over = True
    tried = len(channel.attempts)
    courier.wake()
    wait_until(lambda: not courier._news.is_set(), message="done with it")
    assert len(channel.attempts) <= tried + 1, "one attempt may have been under way"


def test_goes_on_after_an_error_that_nobody_foresaw(make_courier):
    """It is said, and the next look tries again."""
    channel, line = Stumbling([RuntimeError("a defect")]), Line()
    courier = make_courier(channel, line)
    wait_until(lambda: courier.error == "unexpected, see the monitor's log")
    courier.wake()
    wait_until(lambda: line.over, message="delivered")


@dataclass
class Picky:
    """A receiver that never takes what one rule says."""

    refuses: str
    told: list[str] = field(default_factory=list)
    name: str = "picky"

    def send(self, notification: Notification) -> None:
        if notification.alert.rule == self.refuses:
            raise UndeliveredError("HTTP status 400")
        self.told.append(notification.alert.rule)


def test_what_is_refused_delays_nothing_else():
    """The others are told at once, those that are due already as well as those that come later."""
    channel, told = Picky("RelaisNoWorker"), set()
    due = [Notification(Instance("RelaisNoWorker", (), Phase.FIRING, 0.0, 1.0, 60.0))]
    due.append(Notification(Instance("RelaisBrokerDown", (), Phase.FIRING, 0.0, 0.0, 61.0)))
    courier = Courier(
        channel,
        due=lambda: [each for each in due if each.alert.rule not in told],
        note=lambda each: told.add(each.alert.rule),
        first_wait_s=3600,
    )
    courier.start()
    courier.wake()
    wait_until(lambda: channel.told == ["RelaisBrokerDown"], message="the second one")
    wait_until(lambda: courier.error == "HTTP status 400")
    due.append(Notification(Instance("RelaisQueuePaused", (), Phase.FIRING, 0.0, 1.0, 62.0)))
    courier.wake()
    wait_until(lambda: channel.told == ["RelaisBrokerDown", "RelaisQueuePaused"], message="a later one")
    assert courier.error == "HTTP status 400"
    courier.stop()


def test_who_was_not_reached_is_said_although_it_was_delivered(make_courier):
    """One of two recipients refused: it isn't sent to the other one again, and the report says so."""
    channel, line = Stumbling([PartlyDeliveredError("1 of 2 recipients refused")]), Line()
    courier = make_courier(channel, line)
    wait_until(lambda: courier.error == "1 of 2 recipients refused")
    assert line.over
    assert len(channel.attempts) == 1
