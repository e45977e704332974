"""What a fault is: how it is injected, how long it lasts, and within which time everything must be well again."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from faults.result import TrialResult
    from faults.rig import Rig


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a deployment is harmed.

    Attributes:
        name: dotted, the family first: `worker.sigkill.during_generation`.
        inject: entering the context does the harm, leaving it heals as well as it can; `rig.heal()` comes after.
        lasts_s: the trial stays inside the context for a random time of this range.
        budget_s: every message accepted before the healing has ended within this time after it.
        may_fail_with: error codes with which messages may honestly end `failed`.
        costs_attempts: whether it may be charged to the messages that it meets; a mere blink or restart may not.
        may_answer_ungrounded: whether answers may miss the fact that was asked for: the index was without it, or the
            model lied.
        may_give_up: the services (their modules) that may end by themselves with status 1, to be started anew.
        pace: `slow` makes the model take about 1.5 s an answer, so that the fault finds running generations.
        mixes: whether it may be part of the mixed nemesis.
        shortcut: whether one trial of it runs in `make test`.
        own_run: a trial of its own, `own_run(seed=…, folder=…)`, for what needs no shared rig.
    """

    name: str
    inject: Callable[[Rig, random.Random], AbstractContextManager[object]]
    lasts_s: tuple[float, float] = (0.5, 2.0)
    budget_s: float = 30.0
    may_fail_with: frozenset[str] = frozenset()
    costs_attempts: bool = True
    may_answer_ungrounded: bool = False
    may_give_up: frozenset[str] = frozenset()
    pace: Literal["fast", "slow"] = "fast"
    mixes: bool = True
    shortcut: bool = False
    own_run: Callable[..., TrialResult] | None = None
