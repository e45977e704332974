"""The monitor's figures."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from relais.lifecycle import WAITING, State
from relais.parts import PART_WORDS, Part
from relais_cli.render import age, counted, duration, make_table

_UNKNOWN = "unknown"
_WINDOWS = {"5m": "5 min", "1h": "1 h", "today": "today, UTC"}


def figures_view(figures: dict[str, Any]) -> RenderableType:
    """Jobs by state, what ended lately, and who works."""
    states = list(State)
    rows = [
        (kind, *(_count(counts, state) for state in states), _oldest(counts, figures["oldest_waiting_s"].get(kind)))
        for kind, counts in figures["jobs"].items()
    ]
    jobs = make_table(["Kind", *states, "oldest waits"], rows, right=range(1, len(states) + 2))
    windows = _lately(figures.get("windows"))
    lines = [Text(line) for line in _parts(figures)]
    return Group(jobs, *([Text(), windows] if windows else []), Text(), *lines)


def _count(counts: dict[str, int], state: State) -> str:
    return str(counts.get(state, _UNKNOWN))  # the monitor counts final states apart: later after its start


def _oldest(counts: dict[str, int], age_s: float | None) -> str:
    if not any(counts[state] for state in WAITING):
        return "-"
    return _UNKNOWN if age_s is None else duration(age_s)


def _lately(windows: dict[str, Any] | None) -> RenderableType | None:
    if not windows:
        return None
    rows = [
        (
            words,
            windows[name]["finished"],
            windows[name]["failed"],
            _ratio(windows[name]["failure_ratio"]),
            _mean(windows[name]["mean_wait_s"]),
            _mean(windows[name]["mean_processing_s"]),
        )
        for name, words in _WINDOWS.items()
        if name in windows
    ]
    return make_table(
        ["Last", "finished", "failed", "failure ratio", "mean wait", "mean time"], rows, right=range(1, 6)
    )


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.1%}"


def _mean(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)  # noqa: PLR2004 -- as long as a tenth matters


def _parts(figures: dict[str, Any]) -> Iterator[str]:
    workers = figures["workers"]
    yield _workers(workers)
    for part, waiting in workers["waiting_for"].items():
        if waiting:
            words = PART_WORDS[Part(part)]
            yield f"Down:    {words.name}, for {waiting} of {counted(workers['alive'], 'worker')}: {words.remedy}"
    paused = [name for name, since in (figures.get("queues_paused") or {}).items() if since]
    paused += [f"agent {slug}" for slug in figures.get("agents_paused") or ()]
    if paused:
        yield f"Paused:  {', '.join(paused)}"
    yield _broker(figures["broker"])
    yield _sweeper(figures["sweeper_last_run_at"])


def _workers(workers: dict[str, Any]) -> str:
    silent = f", {workers['silent']} silent" if workers["silent"] else ""
    waiting = f", {workers['slots_waiting']} waiting" if workers["slots_waiting"] else ""
    slots = f"{workers['slots_busy']} slots busy, {workers['slots_idle']} idle{waiting}"
    return f"Workers: {workers['alive']} alive{silent}; {slots}"


def _broker(broker: dict[str, Any] | None) -> str:
    if broker is None:
        return "Broker:  unknown, the sweeper has not reported lately"
    alarms = f"; alarm: {', '.join(broker['alarms'])}" if broker.get("alarms") else ""
    return f"Broker:  {'up' if broker['up'] else 'down; messages are accepted and wait'}{alarms}"


def _sweeper(ran_at: str | None) -> str:
    return f"Sweeper: {f'ran {age(ran_at)}' if ran_at else 'never ran; start one'}"
