"""`python -m faults.mutants`: shows that the suite notices each safeguard that is taken out."""

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatch

from rich.console import Console
from rich.table import Table

from faults.mutants.catalogue import MUTANTS
from faults.mutants.hunt import Verdict, hunt
from faults.timings import SHORT


def main(arguments: Sequence[str]) -> int:
    """Hunt the mutants; 1 when one was not caught."""
    options = _parse(arguments)
    console = Console(width=140)
    verdicts = []
    for mutant in (mutant for mutant in MUTANTS if fnmatch(mutant.name, options.mutant)):
        console.print(f"without {mutant.name}, under {mutant.fault} …", style="dim")
        verdicts.append(hunt(mutant, settings=SHORT, seed=options.seed, trials=options.trials))
        console.print(f"  {_outcome(verdicts[-1])}")
    console.print(_table(verdicts))
    return 0 if verdicts and all(verdict.caught_by for verdict in verdicts) else 1


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults.mutants", description=__doc__)
    parser.add_argument("--mutant", default="*", metavar="GLOB", help="only mutants of such a name")
    parser.add_argument("--trials", type=int, default=6, help="trials until a mutant counts as not caught")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def _outcome(verdict: Verdict) -> str:
    caught = ", ".join(verdict.caught_by)
    return f"caught: {caught}" if caught else f"NOT caught in {verdict.trials} trials; broken: {dict(verdict.broken)}"


def _table(verdicts: Sequence[Verdict]) -> Table:
    table = Table("safeguard removed", "fault", "trials", "caught by the invariant", "also broken")
    for verdict in verdicts:
        others = sorted(set(verdict.broken) - set(verdict.caught_by))
        caught = ", ".join(verdict.caught_by) or "[red]nobody[/]"
        table.add_row(verdict.mutant.name, verdict.mutant.fault, str(verdict.trials), caught, ", ".join(others))
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
