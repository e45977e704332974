"""Starts the whole of a run, watches it, stops it."""

from relais_cli.embedded.context import Run
from relais_cli.embedded.farewell import say_farewell
from relais_cli.embedded.services import Vital
from relais_cli.embedded.start import start
from relais_cli.embedded.stopping import StopRequested
from relais_cli.errors import CliError
from relais_cli.parts.errors import PartError
from relais_cli.running import Running

_LOOK_EVERY_S = 0.5


def run_whole(run: Run) -> int:
    """Run until told to stop; return the exit status.

    Raises:
        CliError, PartError: it can't start, or can't go on; whatever was started has ended.
    """
    try:
        _watch(run, start(run))
    except StopRequested:
        pass
    except (CliError, PartError):
        if not run.requests.begun.is_set():  # else a part that was starting had the same Ctrl-C
            raise
    finally:
        Running.forget(run.given.home.root)
        say_farewell(run)
    return 0


def _watch(run: Run, vitals: list[Vital]) -> None:
    while not run.requests.wait(_LOOK_EVERY_S):
        run.supervisor.look()
        for vital in vitals:
            if not vital.threads.alive:
                log = run.given.home.logs / "relais.log"
                raise CliError(f"{vital.name} ended by itself (see {log}): start again with `relais up`, and report it")
