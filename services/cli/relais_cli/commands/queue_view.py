"""How `relais queue` shows its results to people."""

from collections.abc import Iterator
from typing import Any

from rich.padding import Padding

from relais.lifecycle import WAITING, State
from relais.parts import PART_WORDS, Part
from relais_cli.render import age, counted, duration, print_table, stdout

_SHOWN = 10
_DONE = {"retry": "Retried", "cancel": "Cancelled"}


def show_result(result: dict[str, Any]) -> None:
    """Show what a bulk action did."""
    left = result["matching"] - result["changed"]
    rest = f"; {left} more match, run it again" if left > 0 else ""
    stdout().print(f"{_DONE[result['action']]} {counted(result['changed'], 'job')}{rest}.")


def show_preview(result: dict[str, Any]) -> None:
    """Show what a bulk action would do."""
    out, ids, matching = stdout(), result["job_ids"], result["matching"]
    of_all = f" of {matching} that match" if matching > len(ids) else ""
    out.print(f"Would {result['action']} {counted(len(ids), 'job')}{of_all}.")
    for job_id in ids[:_SHOWN]:
        out.print(f"  {job_id}")
    if len(ids) > _SHOWN:
        out.print(f"  and {len(ids) - _SHOWN} more")
    if ids:
        out.print("To do it: the same command with --execute")


def show_failed(job: dict[str, Any]) -> None:
    """Show one failed job: which, when, why."""
    out, attempts = stdout(), counted(job["attempt"], "attempt")
    out.print(f"{job['id']}  {job['kind']}  {job['agent']}  {age(job['finished_at'])}, {attempts}", soft_wrap=True)
    out.print(Padding(f"{job['error_code']}: {job['error']}", (0, 0, 0, 4)))


def show_explanation(explanation: dict[str, Any]) -> None:
    """Show why a job is where it is: the cause, what shows it, what to do."""
    out = stdout()
    out.print(f"{explanation['status']}, {explanation['cause']}: {explanation['summary']}", soft_wrap=True)
    for name, value in explanation["evidence"].items():
        out.print(f"  {name}: {'unknown' if value is None else value}", soft_wrap=True)
    out.print(f"What to do: {explanation['next_step']}", soft_wrap=True)


def show_figures(figures: dict[str, Any]) -> None:
    """Show the monitor's figures."""
    states = list(State)
    rows = [
        (kind, *(counts[state] for state in states), _oldest(counts, figures["oldest_waiting_s"].get(kind)))
        for kind, counts in figures["jobs"].items()
    ]
    print_table(["Kind", *states, "oldest waits"], rows, right=range(1, len(states) + 2))
    workers = figures["workers"]
    for line in ("", _workers(workers), *_parts(workers), _broker(figures["broker"]), _sweeper(figures)):
        stdout().print(line)


def _oldest(counts: dict[str, int], age_s: float | None) -> str:
    if not any(counts[state] for state in WAITING):
        return "-"
    return "unknown" if age_s is None else duration(age_s)


def _parts(workers: dict[str, Any]) -> Iterator[str]:
    for part, waiting in workers["waiting_for"].items():
        if waiting:
            words = PART_WORDS[Part(part)]
            yield f"Down:    {words.name}, for {waiting} of {counted(workers['alive'], 'worker')}: {words.remedy}"


def _workers(workers: dict[str, Any]) -> str:
    silent = f", {workers['silent']} silent" if workers["silent"] else ""
    waiting = f", {workers['slots_waiting']} waiting" if workers["slots_waiting"] else ""
    slots = f"{workers['slots_busy']} slots busy, {workers['slots_idle']} idle{waiting}"
    return f"Workers: {workers['alive']} alive{silent}; {slots}"


def _broker(broker: dict[str, Any] | None) -> str:
    if broker is None:
        return "Broker:  unknown, the sweeper has not reported lately"
    return f"Broker:  {'up' if broker['up'] else 'down; messages are accepted and wait'}"


def _sweeper(figures: dict[str, Any]) -> str:
    ran_at = figures["sweeper_last_run_at"]
    return f"Sweeper: {f'ran {age(ran_at)}' if ran_at else 'never ran; start one'}"
