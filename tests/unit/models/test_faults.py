"""Planning faults."""

import pytest
from pydantic import ValidationError

from relais_models.contract import ModelError
from relais_models.faults.desk import FaultDesk
from relais_models.faults.plan import NO_FAULTS, FaultPlan


def _fails(desk, endpoint="chat"):
    try:
        desk.admit(endpoint)
    except ModelError:
        return True
    return False


def test_the_same_seed_fails_the_same_requests():
    """A test that fails by chance can be run again with the same chance."""
    first, second = (FaultDesk(FaultPlan(error_rate=0.5, seed=3)) for _ in range(2))
    outcomes = [_fails(first) for _ in range(50)]
    assert outcomes == [_fails(second) for _ in range(50)]
    assert 10 < sum(outcomes) < 40


def test_rates_of_none_and_all_are_exact():
    """Rate 1 fails every request, rate 0 none."""
    assert all(_fails(FaultDesk(FaultPlan(error_rate=1.0))) for _ in range(20))
    assert not any(_fails(FaultDesk(FaultPlan(error_rate=0.0))) for _ in range(20))


def test_a_limit_ends_the_faults():
    """`fail twice, then work` is how a retry is tested."""
    desk = FaultDesk(FaultPlan(error_rate=1.0, limit=2))
    assert [_fails(desk) for _ in range(4)] == [True, True, False, False]


def test_endpoints_are_affected_apart():
    """Embedding can work while chatting fails; requests elsewhere don't use up the limit."""
    desk = FaultDesk(FaultPlan(error_rate=1.0, endpoints={"chat"}, limit=1))
    assert not _fails(desk, "embed")
    assert _fails(desk, "chat")


def test_requests_are_counted_with_their_ends():
    """What runs is what came and hasn't ended."""
    desk = FaultDesk()
    for _ in range(3):
        assert desk.admit("chat") == NO_FAULTS
    desk.close("chat", finished=True)
    desk.close("chat", finished=False)
    assert desk.activity()["chat"] == {"requests": 3, "finished": 1, "broken_off": 1, "running": 1}


@pytest.mark.parametrize("wrong", [{"error_rate": 1.1}, {"error_status": 200}, {"drop_after": -1}, {"typo": 1}])
def test_a_wrong_plan_is_refused(wrong):
    """A misspelt fault would make a test pass for nothing."""
    with pytest.raises(ValidationError):
        FaultPlan(**wrong)
