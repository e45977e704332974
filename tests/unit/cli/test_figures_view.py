"""What `relais queue status` shows of the monitor's figures."""

import io
from typing import Any

from rich.console import Console

from relais.lifecycle import LIVE, TERMINAL, State
from relais_cli.views.figures import figures_view


def _shown(jobs: dict[str, int]) -> str:
    workers = {"alive": 1, "silent": 0, "slots_busy": 0, "slots_idle": 4, "slots_waiting": 0, "waiting_for": {}}
    figures: dict[str, Any] = {
        "jobs": {"answer": jobs, "ingest": jobs},
        "oldest_waiting_s": {"answer": 0.0, "ingest": 0.0},
        "workers": workers,
        "broker": None,
        "sweeper_last_run_at": None,
    }
    out = io.StringIO()
    Console(file=out, width=120).print(figures_view(figures))
    return out.getvalue()


def _row(shown: str, kind: str) -> list[str]:
    return next(line.split() for line in shown.splitlines() if line.startswith(kind))


def test_jobs_stand_under_their_states() -> None:
    """One number for each state, in the order of the headings."""
    shown = _shown({state: number for number, state in enumerate(State, start=10)})
    assert shown.split()[1 : len(State) + 1] == list(State)
    assert _row(shown, "answer")[1 : len(State) + 1] == [str(number) for number in range(10, 10 + len(State))]


def test_final_states_that_the_monitor_has_not_counted_yet_are_unknown() -> None:
    """Right after its start the monitor leaves them out; the command shows the rest."""
    row = _row(_shown(dict.fromkeys(sorted(LIVE), 0)), "answer")
    assert row.count("unknown") == len(TERMINAL)
    assert row.count("0") == len(LIVE)
