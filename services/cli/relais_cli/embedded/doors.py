"""The ports of `relais up`: taken before anything starts, so that a port in use costs nobody a minute."""

import errno
import socket
from dataclasses import dataclass

from relais_cli.errors import CliError
from relais_cli.settings import UpSettings

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- we only translate what was set
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Door:
    """A listening socket; clients that come early wait until the service answers."""

    listener: socket.socket
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for clients on this machine."""
        host = _ANY.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def close(self) -> None:
        """Let the port go."""
        self.listener.close()


@dataclass(frozen=True, slots=True)
class Doors:
    """One door for the API, one for the monitor."""

    api: Door
    monitor: Door

    def close(self) -> None:
        """Let both ports go."""
        self.api.close()
        self.monitor.close()


def open_doors(settings: UpSettings) -> Doors:
    """Take both ports.

    Raises:
        CliError: one is in use, or the address isn't one of this machine; names the setting.
    """
    api = _open(settings.api_host, settings.api_port, "API", "--port, RELAIS_API_PORT")
    try:
        return Doors(api, _open(settings.monitor_host, settings.monitor_port, "MONITOR", "RELAIS_MONITOR_PORT"))
    except CliError:
        api.close()
        raise


def _open(host: str, port: int, service: str, port_settings: str) -> Door:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except PermissionError:
        raise CliError(f"port {port} is reserved for root: choose one above 1023 ({port_settings})") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CliError(
                f"port {port} is in use on {host}: end the program that uses it, or choose another ({port_settings})"
            ) from None
        raise CliError(f"can't listen on {host} ({error.strerror or error}): change RELAIS_{service}_HOST") from None
    return Door(listener, host, int(listener.getsockname()[1]))
