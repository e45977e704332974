"""One trial of each fault that is marked for it, on one rig with a short lease: what `make faults` does at length."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from faults.fault import Fault
from faults.lane import Lane
from faults.nemesis import ALL
from faults.report import told
from faults.timings import SHORT

pytestmark = pytest.mark.timeout(600)  # a slow machine, not a hung test
_SEED = 1
_BUDGET_S = 60.0  # at least: how fast a deployment recovers is the campaign's to say, with its own timings


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    lane = Lane(settings=SHORT)
    yield lane
    lane.close()


@pytest.mark.parametrize("fault", [fault for fault in ALL if fault.shortcut], ids=lambda fault: fault.name)
def test_nothing_is_lost_or_answered_twice(lane: Lane, fault: Fault):
    """Under this fault no invariant of the promise is broken (see `faults.checker`)."""
    roomy = replace(fault, budget_s=max(fault.budget_s, _BUDGET_S))
    result = lane.run(roomy, _SEED)
    if result.error is not None:  # once more, as a campaign does: on a loaded machine, something may not come in time
        result = lane.run(roomy, _SEED)
    assert result.error is None, told(result)
    assert not result.violations, told(result)
    assert result.accepted
