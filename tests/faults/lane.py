"""A process that runs trials one after another on a rig of its own."""

import fnmatch
import random
import shutil
import signal
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from pathlib import Path
from types import FrameType

from faults.fault import Fault
from faults.house import NeverReadyError
from faults.keeping import keep_logs
from faults.mixed import run_mixed
from faults.nemesis import ALL
from faults.quietness import Quietness
from faults.result import TrialResult, Violation
from faults.rig import Rig
from faults.timings import CAMPAIGN
from faults.trial import commit, failed_trial, run_trial


@dataclass(frozen=True, slots=True)
class Task:
    """One trial of a fault or, with `minutes`, the mixed nemesis for so long."""

    fault: str
    seed: int
    minutes: float = 0.0


@dataclass
class Lane:
    """Keeps a rig from trial to trial; a new one after a violation or a failure of the suite."""

    settings: Mapping[str, str] = field(default_factory=lambda: CAMPAIGN)
    rig: Rig | None = None
    quietness: Quietness | None = None

    def run(self, fault: Fault, seed: int) -> TrialResult:
        """One trial. A failure of the suite itself is a result too."""
        if fault.own_run is not None:
            return self._run_apart(fault, seed)
        try:
            rig, quietness = self.ready()
            result = run_trial(rig, quietness, fault, seed)
        except Exception as error:  # noqa: BLE001 -- whatever went wrong, the other trials go on
            return self.broken(fault.name, seed, error)
        if result.violations:
            self.close()
        return result

    def ready(self) -> tuple[Rig, Quietness]:
        """The rig, started when there is none."""
        if self.rig is None or self.quietness is None:
            folder = Path(tempfile.mkdtemp(prefix="relais-faults-"))
            self.rig = Rig(folder, settings=self.settings)
            self.rig.start()
            self.quietness = Quietness(self.rig)
        return self.rig, self.quietness

    def close(self) -> None:
        """End the rig."""
        if self.rig is not None:
            self.rig.stop()
            shutil.rmtree(self.rig.folder, ignore_errors=True)
        self.rig = self.quietness = None

    def broken(self, fault: str, seed: int, error: BaseException) -> TrialResult:
        """The result of a trial that the suite itself could not finish; the rig is given up."""
        kept = None
        if self.rig is not None:
            kept = keep_logs(self.rig, f"{fault}-{seed}-error")
            (kept / "error.txt").write_text("".join(traceback.format_exception(error)))
        self.close()
        return failed_trial(fault, seed, error, kept)

    def _run_apart(self, fault: Fault, seed: int) -> TrialResult:
        folder = Path(tempfile.mkdtemp(prefix="relais-faults-"))
        try:
            assert fault.own_run is not None
            result = fault.own_run(seed=seed, folder=folder)
        except NeverReadyError as error:
            result = TrialResult(fault.name, seed, violations=[Violation("serves_again", str(error))], kept=str(folder))
        except Exception as error:  # noqa: BLE001 -- as above
            return failed_trial(fault.name, seed, error, folder)
        result.commit = commit()
        if not result.violations:
            shutil.rmtree(folder, ignore_errors=True)
        return result


def matching(pattern: str) -> list[Fault]:
    """The faults whose names match the pattern, as file names do; commas separate several."""
    patterns = pattern.split(",")
    return [fault for fault in ALL if any(fnmatch.fnmatch(fault.name, one) for one in patterns)]


def work(tasks: "Queue[Task | None]", results: "Queue[TrialResult]") -> None:
    """The body of a lane's process: trials until the tasks end or SIGTERM comes."""
    told = _Told()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too: whoever started us passes it on, once
    signal.signal(signal.SIGTERM, told)
    faults = {fault.name: fault for fault in ALL}
    with suppress(KeyboardInterrupt), closing(Lane()) as lane:
        for task in iter(tasks.get, None):
            for result in _results(lane, task, faults):
                told.check()
                results.put(result)


class _Told:
    """Interrupts what runs at the first signal, and the lane after it if that was swallowed; the rig ends in peace."""

    def __init__(self) -> None:
        self._stop = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        first, self._stop = not self._stop, True
        if first:
            raise KeyboardInterrupt

    def check(self) -> None:
        if self._stop:
            raise KeyboardInterrupt


def _results(lane: Lane, task: Task, faults: Mapping[str, Fault]) -> Iterator[TrialResult]:
    if not task.minutes:
        result = lane.run(faults[task.fault], task.seed)
        yield result
        if result.error is not None:  # once more: on a loaded machine, something may not come in time
            yield lane.run(faults[task.fault], task.seed)
        return
    mixing = [fault for fault in matching(task.fault) if fault.mixes and fault.own_run is None]
    yield from run_mixed(lane, mixing, random.Random(task.seed), task)
