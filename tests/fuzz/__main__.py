"""`make fuzz`: thousands of cases as each identity; prints what was found, and exits with 1 if anything was."""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fuzz.campaign import Effort, fuzz
from fuzz.target import IDENTITIES, Target, running_target
from relais.store.migrate import upgrade
from relais_cli.parts.postgres import EmbeddedPostgres
from support.servers import short_folder

_PHASES = "examples,coverage,fuzzing,stateful"


def main() -> int:
    """Fuzz as everybody, one after another."""
    wanted = _arguments()
    with _target() as (folder, target):
        found = [_report(target, name, wanted, folder) for name in wanted.identity or IDENTITIES]
    return int(any(found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="cases per operation and identity, besides coverage")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="repeats a campaign")
    parser.add_argument("--seconds", type=int, default=600, help="longest time for one identity")
    parser.add_argument("--identity", action="append", choices=IDENTITIES, help="only as these")
    return parser.parse_args()


@contextmanager
def _target() -> Iterator[tuple[Path, Target]]:
    with short_folder("fuzz") as folder:
        postgres = EmbeddedPostgres(folder / "postgres")
        postgres.start()
        try:
            upgrade(postgres.url())
            with running_target(folder, postgres.url()) as target:
                yield folder, target
        finally:
            postgres.stop()


def _report(target: Target, identity: str, wanted: argparse.Namespace, folder: Path) -> int:
    started = time.monotonic()
    effort = Effort(wanted.cases, _PHASES, wanted.seed, longest_s=wanted.seconds)
    done = fuzz(target, identity, effort, folder)  # type: ignore[arg-type] # argparse knows the choices
    sys.stdout.write(f"=== {identity}, seed {wanted.seed}, {time.monotonic() - started:.0f} s\n")
    sys.stdout.write(done.stdout if done.returncode else _tail(done.stdout))
    sys.stdout.flush()
    sys.stderr.write(done.stderr)
    return done.returncode


def _tail(output: str) -> str:
    return output[output.find("SUMMARY") :]


if __name__ == "__main__":
    sys.exit(main())
