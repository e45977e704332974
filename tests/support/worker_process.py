"""A worker with its sweeper as one process, whose pipeline behaves as a job's deadline says: `python -m` this.

Needs RELAIS_DATABASE_URL; the broker is this process's memory. With `slow-start` as its argument its start never comes
back, though jobs run already.
"""

import re
import sys
import threading
from dataclasses import replace

from relais.broker import Publisher, make_broker
from relais.settings import load_settings
from relais.store.claim import ClaimedJob
from relais.store.settle import Answer
from relais.telemetry import configure_logging
from relais_worker.actors import actor_middleware
from relais_worker.engine.breakers import Breakers
from relais_worker.main import build_worker
from relais_worker.progress import Progress
from relais_worker.running import run_until_told
from relais_worker.service import WorkerService
from relais_worker.settings import SweeperSettings, WorkerSettings
from relais_worker.sweeper.main import build_sweeper

STUCK_S, DEAF_S = 1.0, 2.0
"""The deadlines of jobs that never look up again: one waits, beside a thread that isn't a daemon; one computes."""


def misbehave(job: ClaimedJob, progress: Progress) -> Answer:
    if job.deadline_s == STUCK_S:
        threading.Thread(target=threading.Event().wait, name="stubborn", daemon=False).start()
        threading.Event().wait()
    if job.deadline_s == DEAF_S:
        re.match(r"(a+)+$", "a" * 60 + "b")  # exponential, in C, with Python's global lock held
    while True:
        progress.beat()
        progress.check()
        threading.Event().wait(0.05)


class _SlowStart(WorkerService):
    """Takes its first message before its start has come back, which is a race else."""

    def start(self) -> None:
        super().start()
        threading.Event().wait()


def main() -> int:
    settings = load_settings(WorkerSettings)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    broker = make_broker("memory://", actor_middleware())
    build_sweeper(load_settings(SweeperSettings), broker).start()
    parts = build_worker(settings)._parts
    pipelines = {"answer": misbehave, "ingest": misbehave}
    breakers = Breakers({}, every_s=1.0)
    parts = replace(parts, broker=broker, publisher=Publisher(broker), pipelines=pipelines, breakers=breakers)
    kind = _SlowStart if "slow-start" in sys.argv else WorkerService
    return run_until_told(kind(parts))


if __name__ == "__main__":
    sys.exit(main())
