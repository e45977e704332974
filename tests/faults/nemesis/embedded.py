"""Faults of `relais up`: killed in a loop while it accepts and answers, and started twice on one home."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from faults.checker.evidence import Allowed
from faults.fault import Fault
from faults.house import House
from faults.result import TrialResult, Violation
from faults.rig import Rig
from support.up import RelaisUp
from support.waiting import wait_until

_BUDGET_S = 30.0
_RACE_S = 60.0


def _killed_in_a_loop(*, seed: int, folder: Path) -> TrialResult:
    with House.of_trial("embedded.killed_in_a_loop", seed, folder) as house:
        house.start()
        with house.clients():
            for _ in range(house.rng.randint(2, 4)):
                house.wait(0.2, 1.5)
                house.kill()
                if house.rng.random() < 0.4:
                    house.launch()
                    house.wait(0.1, 2.5)  # and while it starts
                    house.kill()
                house.start()
            healed_at = time.time()
            house.wait(0.3, 0.8)
        return house.judge(healed_at, Allowed(house.fault, _BUDGET_S))


def _started_twice(*, seed: int, folder: Path) -> TrialResult:
    with House.of_trial("embedded.started_twice", seed, folder) as house:
        house.start()
        second = _another(house)
        with house.clients():
            house.wait(0.2, 1.0)
            second.launch("--no-demo")
            second.wait()
            healed_at = time.time()
            house.wait(0.3, 0.8)
        return house.judge(healed_at, Allowed(house.fault, _BUDGET_S), _refusal(second, house.up))


def _started_at_once(*, seed: int, folder: Path) -> TrialResult:
    """Two starts race for a fresh home: one wins, the other refuses."""
    with House.of_trial("embedded.started_at_once", seed, folder) as house:
        house.launch()
        second = _another(house)
        house.wait(0.0, 0.5)
        second.launch("--no-demo", "--port", house.port)
        ups = (house.up, second)
        wait_until(lambda: any(up.ready for up in ups) and any(up.has_ended for up in ups), _RACE_S, "one is ready")
        house.up, loser = ups if house.up.ready else ups[::-1]
        healed_at = time.time()
        with house.clients():
            house.wait(0.3, 0.8)
        return house.judge(healed_at, Allowed(house.fault, _BUDGET_S), _refusal(loser, house.up))


def _another(house: House) -> RelaisUp:
    """A second `relais up` on the same home."""
    second = RelaisUp(house.up.folder / "second", {"RELAIS_HOME": str(house.up.home)})
    second.folder.mkdir()
    return second


def _refusal(second: RelaisUp, first: RelaisUp) -> Sequence[Violation]:
    told = (second.folder / "up.err").read_text()
    expected = f"relais: relais already runs on {first.environment['RELAIS_HOME']} (process {first.popen.pid})"
    if second.popen.returncode == 1 and told.startswith(expected) and not first.has_ended:
        return ()
    return [Violation("second_start_refused", f"status {second.popen.returncode}, told {told!r}")]


@contextmanager
def _brings_its_own_trial(_rig: Rig, _rng: random.Random) -> Iterator[None]:
    yield


FAULTS: tuple[Fault, ...] = tuple(
    Fault(name, _brings_its_own_trial, budget_s=_BUDGET_S, mixes=False, own_run=run)
    for name, run in {
        "embedded.killed_in_a_loop": _killed_in_a_loop,
        "embedded.started_twice": _started_twice,
        "embedded.started_at_once": _started_at_once,
    }.items()
)
