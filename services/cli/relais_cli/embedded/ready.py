"""Waits until the services work together: API, sweeper and workers."""

import time
from typing import Any

from relais_cli.client import Client, RefusedError, UnreachableError
from relais_cli.embedded.stopping import StopRequests
from relais_cli.embedded.supervising import Supervisor
from relais_cli.errors import CliError

_TIMEOUT_S = 60.0
_INTERVAL_S = 0.15


def wait_until_ready(client: Client, requests: StopRequests, supervisor: Supervisor) -> None:
    """Wait until nothing is missing any more.

    Raises:
        StopRequested: somebody asked to stop.
        CliError: something is still missing after a minute; names it.
    """
    deadline = time.monotonic() + _TIMEOUT_S
    while missing := _missing(client):
        requests.check()
        supervisor.look()
        if time.monotonic() > deadline:
            raise CliError(f"not ready after {_TIMEOUT_S:.0f} s: {missing}")
        requests.wait(_INTERVAL_S)


def _missing(client: Client) -> str:
    try:
        ready: dict[str, Any] = client.get("/readyz")
    except (UnreachableError, RefusedError) as error:
        return str(error)
    return " ".join(part["detail"] for part in ready["degraded"])
