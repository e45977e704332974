"""One run of `relais up`: what was asked for, what was decided, who watches."""

from dataclasses import dataclass

from relais_cli.embedded.options import UpOptions
from relais_cli.embedded.servers import Servers
from relais_cli.embedded.services import Given, Services
from relais_cli.embedded.steps import Steps
from relais_cli.embedded.stopping import Ending, StopRequests
from relais_cli.embedded.supervising import Supervisor
from relais_cli.settings import UpSettings


@dataclass(frozen=True, slots=True)
class Run:
    """Handed to every step."""

    settings: UpSettings
    options: UpOptions
    given: Given
    servers: Servers
    services: Services
    steps: Steps
    requests: StopRequests
    supervisor: Supervisor
    ending: Ending
