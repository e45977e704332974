"""`relais up` from its first step to its last: take what can belong to one only, then run the whole.

What this module loads is light: a home or a port in use is told of at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from relais_cli.embedded.doors import Doors, open_doors
from relais_cli.embedded.options import UpOptions
from relais_cli.embedded.steps import Steps
from relais_cli.embedded.stopping import StopRequests
from relais_cli.parts.home import Home, HomeLock
from relais_cli.settings import UpSettings


def run_up(settings: UpSettings, options: UpOptions, steps: Steps) -> int:
    """Run until told to stop; return the exit status.

    Raises:
        CliError, PartError: it can't start, or can't go on; whatever was started has ended.
    """
    requests = StopRequests()
    requests.listen()
    home = Home(settings.home.expanduser().absolute())
    home.prepare()
    with HomeLock(home), _opened(settings) as doors:
        steps.say(f"Relais starts; its data are in {home.root}.")
        from relais_cli.embedded.plan import plan  # noqa: PLC0415 -- loads every service: takes seconds
        from relais_cli.embedded.whole import run_whole  # noqa: PLC0415 -- as above

        return run_whole(plan(settings, options, home=home, doors=doors, steps=steps, requests=requests))


@contextmanager
def _opened(settings: UpSettings) -> Iterator[Doors]:
    doors = open_doors(settings)
    try:
        yield doors
    finally:
        doors.close()
