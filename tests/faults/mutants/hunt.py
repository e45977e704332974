"""Lets a mutant run under its fault until the checker notices that a safeguard is gone."""

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faults.mutants.catalogue import Mutant
from faults.nemesis import ALL
from faults.quietness import Quietness
from faults.rig import Rig
from faults.trial import run_trial


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: `broken` has the invariants that were reported, with how often."""

    mutant: Mutant
    trials: int
    seed: int
    broken: Mapping[str, int] = field(default_factory=dict)

    @property
    def caught_by(self) -> list[str]:
        """The invariants that had to be reported, and were."""
        return sorted(self.mutant.breaks & set(self.broken))


def hunt(mutant: Mutant, *, settings: Mapping[str, str], seed: int, trials: int) -> Verdict:
    """Run up to `trials` trials of the mutant's fault on a rig of its own; stop when it is caught.

    Raises:
        Exception: the suite itself failed; that is no catch.
    """
    fault = {fault.name: fault for fault in ALL}[mutant.fault]
    folder = Path(tempfile.mkdtemp(prefix="relais-mutant-"))
    rig = Rig(folder, settings=settings, command=lambda module: _command(mutant, module))
    broken: Counter[str] = Counter()
    done = 0
    try:
        rig.start()
        quietness = Quietness(rig)
        while done < trials and not mutant.breaks & set(broken):
            result = run_trial(rig, quietness, fault, seed + done)
            broken.update(violation.invariant for violation in result.violations)
            done += 1
    finally:
        rig.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return Verdict(mutant, done, seed, broken)


def _command(mutant: Mutant, module: str) -> list[str]:
    return [sys.executable, "-m", "faults.mutants.launch", mutant.name, module]
