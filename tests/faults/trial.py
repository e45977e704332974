"""One trial: clients at work, a fault, healing, quiet, judgement."""

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from faults.checker import check
from faults.checker.ends import ended_after_s
from faults.checker.evidence import Allowed, Evidence
from faults.collecting import count_unfinished, read_rows
from faults.facts import FACTS, uncited
from faults.fault import Fault
from faults.history import new_mark
from faults.keeping import keep
from faults.quietness import Quietness
from faults.result import TrialResult, Violation
from faults.rig import Rig
from faults.sampler import Sampler
from faults.windows import Windows
from faults.workload import Workload
from relais.lifecycle import CLAIM

_BEFORE_S, _AFTER_S = (0.2, 0.8), (0.3, 0.8)
_SEEN_AFTER_S = 1.0  # several samples
_RIGHT = frozenset(FACTS.values())
_MESSAGES = {"fast": 40, "slow": 20}
_PATIENCE_S = 45.0
_POLL_S = 0.05
_KEPT_OF_EACH = 5
# Faults of these families may cut workers off from the database, so that they may be taken for dead.
_CUTS_OFF = ("database.", "disk.", "clock.")
LOST = frozenset({"accepted_ends", "nobody_accepted_unknown"})
DUPLICATED = frozenset({"answered_once", "same_key_same_message"})


@dataclass
class Round:
    """What runs beside a fault: the clients and the sampler."""

    rig: Rig
    fault: str
    seed: int
    workload: Workload
    sampler: Sampler
    began: float
    not_serving: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, rig: Rig, fault: str, seed: int, rng: random.Random, *, messages: int, pause_s: float) -> "Round":
        rig.history.begin(new_mark())
        workload = Workload(rig, rng, messages=messages, pause_s=pause_s)
        running = cls(rig, fault, seed, workload, Sampler(rig.engine), time.time())
        running.sampler.start()
        running.workload.start()
        return running

    def serves(self, step: Callable[[], object]) -> None:
        """Take a step that only a system that is well lets one take; what goes wrong is judged at the end."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the nemesis has left and the servers are up
            self.not_serving.append(f"{type(error).__name__}: {error}"[:500])

    def end(self, quietness: Quietness, allowed: Allowed, healed_at: float) -> TrialResult:
        """Wait until all is quiet, judge."""
        rig = self.rig
        quiet = self._wait_until_quiet(allowed.budget_s + _PATIENCE_S)
        self.sampler.stop()
        leaks, wrong_metrics = list[str](), list[str]()
        if quiet and not self.not_serving:
            self.serves(lambda: leaks.extend(quietness.leaks()))
            self.serves(lambda: wrong_metrics.extend(quietness.wrong_metrics()))
        evidence = Evidence(
            entries=rig.history.entries(),
            **read_rows(rig.engine, rig.history.trial, self.began),
            leases=self.sampler.leases,
            wrong_places=self.sampler.wrong_places,
            deaths=dict(rig.deaths),
            paused=rig.paused,
            # Of several faults at once, one may heal what another has broken.
            unconfirmed=Windows() if allowed.fault == "mixed" else rig.unconfirmed,
            database_harmed=rig.database_harmed,
            healed_at=healed_at,
            gave_up=rig.take_gave_up(),
            not_serving=self.not_serving,
            leaks=leaks,
            wrong_metrics=wrong_metrics,
            allowed=allowed,
        )
        assert_seen(evidence, self.sampler.places)
        return self._judge(evidence)

    def _wait_until_quiet(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while count_unfinished(self.rig.engine, self.rig.history.trial, self.began):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def _judge(self, evidence: Evidence) -> TrialResult:
        violations = check(evidence)
        counts = Counter(violation.invariant for violation in violations)
        result = TrialResult(
            self.fault,
            self.seed,
            accepted=len(evidence.accepted),
            lost=sum(counts[name] for name in LOST),
            duplicated=sum(counts[name] for name in DUPLICATED),
            recovered_s=round(max(ended_after_s(evidence).values(), default=0.0), 2),
            took_s=round(time.time() - self.began, 1),
            violations=_first_of_each(violations),
            commit=commit(),
            notes=_notes(evidence, self.sampler),
        )
        if violations:
            result.kept = str(keep(self.rig, result, evidence))
        return result


def _first_of_each(violations: Sequence[Violation]) -> list[Violation]:
    """The first few of every invariant: what is broken often must not hide what else is."""
    names = dict.fromkeys(violation.invariant for violation in violations)
    of_each = ([found for found in violations if found.invariant == name] for name in names)
    return [found for few in of_each for found in few[:_KEPT_OF_EACH]]


def run_trial(rig: Rig, quietness: Quietness, fault: Fault, seed: int) -> TrialResult:
    """Inject a fault once, on a rig that is well.

    Raises:
        Exception: the suite itself failed, before the healing; the rig is of no use any more.
    """
    rng = random.Random(f"{fault.name}:{seed}")
    idle = threading.Event()  # never set: waits, interrupted by Ctrl-C
    running = Round.begin(rig, fault.name, seed, rng, messages=_MESSAGES[fault.pace], pause_s=0.12)
    try:
        if fault.pace == "slow":
            rig.slow_down()
        idle.wait(rng.uniform(*_BEFORE_S))
        with harmed(rig, fault, rng):
            idle.wait(rng.uniform(*fault.lasts_s))
        healed_at = time.time()
        rig.heal()
        running.serves(rig.wait_ready)
        idle.wait(rng.uniform(*_AFTER_S))
    finally:
        running.serves(running.workload.stop)
    return running.end(quietness, allowed_by(fault), healed_at)


def allowed_by(fault: Fault) -> Allowed:
    """What a fault permits."""
    return Allowed(
        fault.name,
        fault.budget_s,
        fault.may_fail_with,
        fault.costs_attempts,
        fault.may_answer_ungrounded,
        fault.may_give_up,
    )


def assert_seen(evidence: Evidence, places: int) -> None:
    """Assert that the sampler saw places when messages waited, and leases when any ran: blind, it proves nothing."""
    claims = [event for event in evidence.events if event.transition == CLAIM.name]
    waited_s = (claim.at - evidence.ledger[claim.job][0].at for claim in claims)
    assert places or max(waited_s, default=0.0) < _SEEN_AFTER_S, "the sampler has seen nobody wait"
    assert evidence.leases or not claims, "the sampler has seen no lease"


def harmed(rig: Rig, fault: Fault, rng: random.Random) -> ExitStack:
    """The context of a fault."""
    stack = ExitStack()
    if fault.name.startswith(_CUTS_OFF):
        stack.enter_context(rig.no_database())
    stack.enter_context(fault.inject(rig, rng))
    return stack


def failed_trial(fault: str, seed: int, error: BaseException, kept: Path | None) -> TrialResult:
    """The line of a trial that the suite itself could not finish."""
    where = None if kept is None else str(kept)
    return TrialResult(fault, seed, commit=commit(), error=f"{type(error).__name__}: {error}"[:500], kept=where)


@cache
def commit() -> str:
    """The commit that is tested, with a plus when the tree differs from it."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        found = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        return found.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "../../shared", "../../services")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _notes(evidence: Evidence, sampler: Sampler) -> dict[str, object]:
    ends = Counter(f"{job.state}{' ' + job.error_code if job.error_code else ''}" for job in evidence.jobs)
    moves = Counter(event.transition for event in evidence.events)
    calls = Counter(f"{entry.op} {entry.kind}" for entry in evidence.entries if entry.kind != "invoke")
    return {
        "ends": dict(ends),
        "moves": dict(moves),
        "calls": dict(calls),
        "places": sampler.places,
        "leases": len(sampler.leases),
        "right": sum(job.answer is not None and uncited(job.answer) in _RIGHT for job in evidence.jobs),
    }
