"""The mixed nemesis: several faults at once at random times, with a judgement each time all is healed."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults.checker.evidence import Allowed
from faults.fault import Fault
from faults.result import TrialResult
from faults.rig import Rig
from faults.trial import Round, harmed

if TYPE_CHECKING:
    from faults.lane import Lane, Task

_CHECKPOINT_S = (60.0, 90.0)
_AT_ONCE = 3
_BETWEEN_S = 2.5
_BUDGET_S = 60.0  # several faults leave several things to mend, one after another
_MESSAGES = 60
_PAUSE_S = 0.4


@dataclass
class Mixture:
    """Up to three threads, each of which injects one fault after another until told to stop."""

    rig: Rig
    faults: Sequence[Fault]
    rng: random.Random
    stop: threading.Event
    injected: list[str]
    missed: list[str]

    def run(self) -> None:
        """Inject until told to stop; a fault that finds nothing to harm is left out."""
        while not self.stop.wait(self.rng.expovariate(1 / _BETWEEN_S)):
            fault = self.rng.choice(self.faults)
            try:
                if fault.pace == "slow":
                    self.rig.slow_down()
                with harmed(self.rig, fault, self.rng):
                    self.injected.append(fault.name)
                    self.stop.wait(self.rng.uniform(*fault.lasts_s))
            except Exception as error:  # noqa: BLE001 -- two faults meet: a server that one wants to ask, another has stopped
                self.missed.append(f"{fault.name}: {type(error).__name__}: {str(error)[:120]}")


def run_mixed(lane: "Lane", faults: Sequence[Fault], rng: random.Random, task: "Task") -> Iterator[TrialResult]:
    """Yield a result for each checkpoint, for `task.minutes` minutes."""
    ends_at = time.monotonic() + task.minutes * 60
    while time.monotonic() < ends_at:
        seed = rng.randrange(10**9)
        try:
            result = _until_checkpoint(lane, faults, seed)
        except Exception as error:  # noqa: BLE001 -- a failure of the suite is a result too, and the next checkpoint follows
            result = lane.broken("mixed", seed, error)
        if result.violations:
            lane.close()
        yield result


def _allowed_by_all(faults: Sequence[Fault]) -> Allowed:
    return Allowed(
        "mixed",
        _BUDGET_S,
        may_fail_with=frozenset().union(*(fault.may_fail_with for fault in faults)),
        may_answer_ungrounded=any(fault.may_answer_ungrounded for fault in faults),
        # A worker that is told to stop while it is cut off has to leave jobs behind, and says so by its status.
        may_give_up=frozenset({"relais_worker"}).union(*(fault.may_give_up for fault in faults)),
    )


def _until_checkpoint(lane: "Lane", faults: Sequence[Fault], seed: int) -> TrialResult:
    rig, quietness = lane.ready()
    rng = random.Random(seed)
    running = Round.begin(rig, "mixed", seed, rng, messages=_MESSAGES, pause_s=_PAUSE_S)
    stop, injected, missed = threading.Event(), list[str](), list[str]()
    mixtures = [
        Mixture(rig, faults, random.Random(rng.random()), stop, injected, missed)
        for _ in range(rng.randint(1, _AT_ONCE))
    ]
    threads = [threading.Thread(target=mixture.run, name="nemesis", daemon=True) for mixture in mixtures]
    try:
        for thread in threads:
            thread.start()
        stop.wait(rng.uniform(*_CHECKPOINT_S))
    finally:
        stop.set()
        for thread in threads:
            thread.join(120)
        with suppress(Exception):  # a first time, so that clients that wait on a dead server end
            rig.servers.heal()
        healed_at = time.time()
    rig.heal()
    running.serves(rig.wait_ready)
    running.serves(running.workload.stop)
    result = running.end(quietness, _allowed_by_all(faults), healed_at)
    result.notes |= {"injected": injected, "missed": missed}
    return result
