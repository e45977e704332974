"""The command `python -m faults`: runs trials in lanes, prints progress and the table."""

import argparse
import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

from faults.fault import Fault
from faults.lane import Task, matching, work
from faults.report import read_results, table, told
from faults.result import TrialResult

_RIG_ENDS_S = 90.0
_LOOK_S = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 when an invariant was violated, when a trial could not be finished or accepted nothing, or none ran."""
    options = _parser().parse_args(arguments)
    faults = matching(options.fault)
    if options.list:
        print("\n".join(_described(fault) for fault in faults))
        return 0
    if options.report:
        print(table(read_results(options.results)))
        return 0
    if not faults:
        print(f"--fault {options.fault}: no fault has such a name; see --list", file=sys.stderr)
        return 2
    tasks = _tasks(faults, options)
    done: list[TrialResult] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else the lanes would go on without us
    try:
        for result in _run(tasks, min(options.lanes, len(tasks))):
            done.append(result)
            with options.results.open("a") as file:
                file.write(result.to_json() + "\n")
            print(f"[{len(done)}/{len(tasks) if not options.mixed else '-'}] {told(result)}", flush=True)
    except KeyboardInterrupt:
        print("\ninterrupted; the table so far:")
    print(table(done))
    return 0 if done and all(map(proves, _last_tries(done))) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__, allow_abbrev=False)
    parser.add_argument("--fault", default="*", metavar="GLOB", help="only these faults; commas separate several")
    parser.add_argument("--trials", type=int, default=20, help="of each fault (default: %(default)s)")
    parser.add_argument("--mixed", type=float, default=0, metavar="MINUTES", help="several faults at once, for so long")
    parser.add_argument("--lanes", type=int, default=2, help="rigs side by side (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first trial (default: %(default)s)")
    parser.add_argument(
        "--results", type=Path, default=Path("fault-results.jsonl"), help="JSON lines are appended here"
    )
    parser.add_argument("--list", action="store_true", help="print the faults and end")
    parser.add_argument("--report", action="store_true", help="print the table of --results and end")
    return parser


def _tasks(faults: Sequence[Fault], options: argparse.Namespace) -> list[Task]:
    if options.mixed:
        return [Task(options.fault, options.seed + lane, options.mixed) for lane in range(options.lanes)]
    # Round after round, so that an interrupted run has tried every fault about as often.
    return [Task(fault.name, options.seed + trial) for trial in range(options.trials) for fault in faults]


def _run(tasks: Sequence[Task], lanes: int) -> Iterator[TrialResult]:
    """The results of the tasks as they come; a trial that the suite could not finish is tried once more."""
    context = multiprocessing.get_context("spawn")
    todo: Queue[Task | None] = context.Queue()
    results: Queue[TrialResult] = context.Queue()
    for task in tasks:
        todo.put(task)
    for _ in range(lanes):
        todo.put(None)
    processes = [context.Process(target=work, args=(todo, results)) for _ in range(lanes)]
    for process in processes:
        process.start()
    try:
        while any(process.is_alive() for process in processes) or not results.empty():
            with suppress(Empty):
                yield results.get(timeout=_LOOK_S)
    finally:
        for process in processes:
            process.terminate()  # a lane that has ended takes no notice, another stops its rig
        for process in processes:
            process.join(_RIG_ENDS_S)
            process.kill()
        todo.cancel_join_thread()  # else our own end waits for somebody to take what is left


def _last_tries(results: Sequence[TrialResult]) -> list[TrialResult]:
    """The last result of each trial."""
    return list({(result.fault, result.seed): result for result in results}.values())


def proves(result: TrialResult) -> bool:
    """Whether messages were accepted under the fault, and nothing was broken."""
    return not (result.violations or result.error) and result.accepted > 0


def _described(fault: Fault) -> str:
    notes = [name for name in ("mixes", "shortcut") if getattr(fault, name)] + (
        [] if fault.own_run is None else ["apart"]
    )
    return f"{fault.name:55} {fault.pace:5} budget {fault.budget_s:g} s  {' '.join(notes)}"


if __name__ == "__main__":
    sys.exit(main())
