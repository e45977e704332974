"""Whether `queued` was said only of messages whose token the broker has confirmed."""

from collections.abc import Iterator

from faults.checker.evidence import Evidence
from faults.result import Violation

_ON_ITS_WAY_S = 1.0  # between a confirm and the commit of what it confirmed


def announced_was_confirmed(evidence: Evidence) -> Iterator[Violation]:
    """Nothing is announced while the broker can't confirm, but for confirms that came just before."""
    for event in evidence.events:
        if event.transition != "announce":
            continue
        for span in evidence.unconfirmed.covering(event.at):
            if event.at > span.start + _ON_ITS_WAY_S:
                what = f"{event.job} was announced {event.at - span.start:.2f} s after the last possible confirm"
                yield Violation("announced_was_confirmed", what, [event, span])
