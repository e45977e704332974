"""Decides what a run of `relais up` consists of; nothing starts yet."""

from relais_cli.admin_key import choose_admin_key, keep_admin_key
from relais_cli.embedded.choosing import choose_services, count_threads
from relais_cli.embedded.context import Run
from relais_cli.embedded.doors import Doors
from relais_cli.embedded.logs import log_to
from relais_cli.embedded.options import UpOptions
from relais_cli.embedded.servers import choose_servers, find_addresses
from relais_cli.embedded.services import Given
from relais_cli.embedded.steps import Steps
from relais_cli.embedded.stopping import Ending, StopRequests
from relais_cli.embedded.supervising import Supervisor
from relais_cli.parts.home import Home
from relais_cli.settings import UpSettings


def plan(
    settings: UpSettings, options: UpOptions, *, home: Home, doors: Doors, steps: Steps, requests: StopRequests
) -> Run:
    """Put a run together. A wrong setting of any service ends the process with status 2.

    Raises:
        CliError: the options contradict the settings.
    """
    log_to(home.logs / "relais.log", settings, verbose=options.verbose, silenced=requests.hurry.is_set)
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
