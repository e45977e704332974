"""What the command `python -m faults` takes for a proof."""

import pytest

from faults.__main__ import proves
from faults.result import TrialResult, Violation


def test_a_trial_without_violation_proves_something():
    """Messages were accepted, and nothing was broken."""
    assert proves(TrialResult("fault", 1, accepted=3))


@pytest.mark.parametrize(
    "result",
    [
        TrialResult("fault", 1),
        TrialResult("fault", 1, accepted=3, error="not set up"),
        TrialResult("fault", 1, accepted=3, violations=[Violation("accepted_ends", "still queued")]),
    ],
    ids=["nothing-accepted", "error", "violation"],
)
def test_another_one_fails_the_campaign(result: TrialResult):
    """A trial in which nothing was accepted, one that was not finished and one with a violation are no proof."""
    assert not proves(result)
