"""The table: fault, trials, messages accepted, lost, duplicated, recovered in."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median

from faults.result import TrialResult

_HEADS = ("fault", "trials", "accepted", "lost", "duplicated", "violations", "recovered median", "max")


def read_results(path: Path) -> list[TrialResult]:
    """The results of a file of JSON lines."""
    if not path.exists():
        return []
    return [TrialResult.from_json(line) for line in path.read_text().splitlines() if line.strip()]


def table(results: Iterable[TrialResult]) -> str:
    """A Markdown table, one row per fault and the sum; trials that the suite could not finish are not in it."""
    ordered = sorted(results, key=lambda result: result.fault)
    rows = [_row(fault, list(trials)) for fault, trials in groupby(ordered, key=lambda result: result.fault)]
    rows.append(_row("in all", ordered))
    widths = [max(len(row[column]) for row in [_HEADS, *rows]) for column in range(len(_HEADS))]
    rule = ["-" * width if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    lines = [_aligned(_HEADS, widths), _line(rule), *(_aligned(row, widths) for row in rows)]
    return "\n".join([*lines, *_unfinished(ordered)])


def told(result: TrialResult) -> str:
    """One line of progress, and what was violated."""
    if result.error is not None:
        return f"ERROR {result.fault} seed {result.seed}: {result.error} (logs: {result.kept})"
    verdict = "ok" if not result.violations else "VIOLATED"
    head = (
        f"{verdict} {result.fault} seed {result.seed}: {result.accepted} accepted, "
        f"recovered in {result.recovered_s} s, took {result.took_s} s"
    )
    broken = [f"  {violation.invariant}: {violation.what}" for violation in result.violations[:10]]
    kept = [f"  evidence and logs: {result.kept}"] if result.kept else []
    return "\n".join([head, *broken, *kept])


def _row(fault: str, results: Sequence[TrialResult]) -> tuple[str, ...]:
    done = [result for result in results if result.error is None]
    times = [result.recovered_s for result in done if result.recovered_s is not None]
    sums = (
        len(done),
        sum(result.accepted for result in done),
        sum(result.lost for result in done),
        sum(result.duplicated for result in done),
        sum(len(result.violations) for result in done),
    )
    recovered = (f"{median(times):.1f} s", f"{max(times):.1f} s") if times else ("-", "-")
    return (fault, *map(str, sums), *recovered)


def _unfinished(results: Sequence[TrialResult]) -> list[str]:
    errors = [result for result in results if result.error is not None]
    return (
        [f"\n{len(errors)} trials could not be finished by the suite itself and count for nothing."] if errors else []
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return _line([first, *others])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
