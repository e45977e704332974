"""Finds the thread that died or hangs, so that its process can end and be started anew.

A process with such a thread looks alive and does less than it should, or nothing. Python can't end a thread, and only a
new process gets rid of one that is stuck in C code, in a look-up of a name, or in a lock that nobody releases.
"""

import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from relais_worker.engine.runs import Run

LOOKS = 3  # in a row: after a pause of the whole process (SIGSTOP, a suspended machine) every thread looks late once
_FRAMES = 4

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """A thread that works in turns: whether it runs, how long its turn has lasted, and how long one may last."""

    name: str
    alive: bool
    busy_s: float = 0.0
    limit_s: float = float("inf")


class Watchdog:
    """Looks at the threads and at the attempts of a process; once it has found a defect, it stays found.

    Args:
        threads: lists the threads as they are now.
        attempts: lists the attempts that run now.
        grace_s: how long an attempt may go on after it was told to stop, and a thread's turn may last.
    """

    def __init__(
        self, threads: Callable[[], Iterable[Watched]], attempts: Callable[[], Iterable[Run]], *, grace_s: float
    ) -> None:
        self._threads = threads
        self._attempts = attempts
        self._grace_s = grace_s
        self._looks = 0
        self.found_defect = False

    def sees_all_well(self) -> bool:
        """Look once; False when a defect was there in several looks in a row. The log says which."""
        if not self.found_defect:
            defect = self._find()
            self._looks = self._looks + 1 if defect else 0
            if defect and self._looks >= LOOKS:
                self.found_defect = True
                log.critical("watchdog.defect", **defect)
        return not self.found_defect

    def _find(self) -> dict[str, Any] | None:
        for thread in self._threads():
            if not thread.alive:
                return {
                    "defect": "thread_died",
                    "thread": thread.name,
                    "remedy": "the process ends, so that it is started anew; please report the log above",
                }
            if thread.busy_s > thread.limit_s:
                return {
                    "defect": "thread_overdue",
                    "thread": thread.name,
                    "late_s": round(thread.busy_s),
                    "remedy": "the process ends, so that it is started anew; look at what it waits for",
                }
        for run in self._attempts():
            if run.late_s > self._grace_s:
                return {
                    "defect": "attempt_overdue",
                    "thread": run.thread.name,
                    "job": str(run.job.id),
                    "attempt": run.job.attempt,
                    "told_to": str(run.aborted or "settle"),
                    "late_s": round(run.late_s),
                    "stuck_in": _place(run.thread.ident),
                    "remedy": "the process ends, so that it is started anew; its other jobs are handed back unharmed",
                }
        return None


def _place(ident: int | None) -> str:
    """Where a thread is, innermost frame last: functions and lines, no values."""
    frame = None if ident is None else sys._current_frames().get(ident)  # noqa: SLF001 -- documented, despite its name
    stack = traceback.extract_stack(frame)[-_FRAMES:] if frame else []
    return " > ".join(f"{step.name}:{step.lineno}" for step in stack)
