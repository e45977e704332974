"""`relais up` from its first step to its last: take what is needed, start, watch, stop."""

from collections.abc import Iterator
from contextlib import contextmanager

from relais_cli.admin_key import choose_admin_key, keep_admin_key
from relais_cli.embedded.choosing import choose_services, count_threads
from relais_cli.embedded.context import Run
from relais_cli.embedded.doors import Doors, open_doors
from relais_cli.embedded.farewell import say_farewell
from relais_cli.embedded.logs import log_to
from relais_cli.embedded.options import UpOptions
from relais_cli.embedded.servers import choose_servers, find_addresses
from relais_cli.embedded.services import Given, Vital
from relais_cli.embedded.start import start
from relais_cli.embedded.steps import Steps
from relais_cli.embedded.stopping import Ending, StopRequested, StopRequests
from relais_cli.embedded.supervising import Supervisor
from relais_cli.errors import CliError
from relais_cli.parts.errors import PartError
from relais_cli.parts.home import Home, HomeLock
from relais_cli.running import Running
from relais_cli.settings import UpSettings

_LOOK_EVERY_S = 0.5


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
        log_to(home.logs / "relais.log", settings, verbose=options.verbose)
        return _run(_plan(settings, options, home=home, doors=doors, steps=steps, requests=requests))


def _plan(
    settings: UpSettings, options: UpOptions, *, home: Home, doors: Doors, steps: Steps, requests: StopRequests
) -> Run:
    servers = choose_servers(settings, options, home)
    supervisor = Supervisor(steps)
    given = Given(
        home=home,
        addresses=find_addresses(settings, servers, home),
        doors=doors,
        admin_key=choose_admin_key(home, settings.admin_key),
        worker_threads=count_threads(settings, options),
    )
    services = choose_services(options, given, supervisor)
    if settings.admin_key is None:
        keep_admin_key(home, given.admin_key)
    return Run(
        settings=settings,
        options=options,
        given=given,
        servers=servers,
        services=services,
        steps=steps,
        requests=requests,
        supervisor=supervisor,
        ending=Ending(requests),
    )


def _run(run: Run) -> int:
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


@contextmanager
def _opened(settings: UpSettings) -> Iterator[Doors]:
    doors = open_doors(settings)
    try:
        yield doors
    finally:
        doors.close()
