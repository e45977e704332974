"""The client of the API: every refusal becomes one clear line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from relais_cli.admin_key import find_admin_key
from relais_cli.errors import CliError
from relais_cli.parts.home import Home
from relais_cli.running import Running
from relais_cli.settings import ClientSettings

_TIMEOUT_S = 30.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class UnreachableError(CliError):
    """Nobody answers; `absent` when nobody is there at all, so that nothing can have been received."""

    def __init__(self, message: str, *, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class RefusedError(CliError):
    """The service refused a request; `status` and `code` are those of its problem document."""

    def __init__(self, message: str, *, status: int, code: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is, and what to do when it isn't there."""

    url: str
    service: str
    remedy: str

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where no proxy of the environment may come between."""
        return urlsplit(self.url).hostname in _LOOPBACK


@dataclass(frozen=True)
class Client:
    """Sends requests to one service."""

    http: httpx.Client
    address: Address

    def get(self, path: str, **options: Any) -> Any:
        """GET; the body's JSON."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        """POST; the body's JSON."""
        return self.request("POST", path, **options)

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Send a request; the body's JSON, None where there is none.

        Raises:
            UnreachableError: nobody answered.
            RefusedError: the answer is not a success.
            CliError: it is one, but no JSON.
        """
        try:
            reply = self.http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise unreachable(self.address, error) from None
        if not reply.is_success:
            raise refusal(reply)
        return self._read(reply) if reply.content else None

    def _read(self, reply: httpx.Response) -> Any:
        try:
            return reply.json()
        except ValueError:
            message = f"{reply.url} answered with something that is no JSON: nothing of Relais listens there"
            raise CliError(message) from None


def api_address(settings: ClientSettings) -> Address:
    """Where the API is: as set, or where the `relais up` of the home listens."""
    running = Running.read(settings.home)
    url = settings.api_url or (running.api_url if running else f"http://127.0.0.1:{settings.api_port}")
    return Address(url.rstrip("/"), "Relais", "start one with `relais up`, or set RELAIS_API_URL")


def monitor_address(settings: ClientSettings) -> Address:
    """Where the monitor is, found in the same way."""
    running = Running.read(settings.home)
    url = settings.monitor_url or (running.monitor_url if running else f"http://127.0.0.1:{settings.monitor_port}")
    return Address(url.rstrip("/"), "monitor", "start one with `relais up`, or set RELAIS_MONITOR_URL")


@contextmanager
def connected(address: Address, key: str | None = None, *, timeout_s: float = _TIMEOUT_S) -> Iterator[Client]:
    """Open a client; nothing is sent yet."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=address.url, headers=headers, timeout=timeout_s, trust_env=not address.is_local) as http:
        yield Client(http, address)


@contextmanager
def operating(settings: ClientSettings) -> Iterator[Client]:
    """Open a client that sends the operator's key.

    Raises:
        CliError: there is no key.
    """
    home = Home(settings.home)
    key = find_admin_key(home, settings.admin_key)
    if key is None:
        raise CliError(
            f"no operator's key: set RELAIS_ADMIN_KEY (`relais up` writes one to {home.admin_key_file}; "
            "RELAIS_HOME says where to look)"
        )
    with connected(api_address(settings), key) as client:
        try:
            yield client
        except RefusedError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            source = "RELAIS_ADMIN_KEY" if settings.admin_key else home.admin_key_file
            raise CliError(f"{error}\nThe key came from {source}.") from None


def unreachable(address: Address, error: httpx.HTTPError) -> UnreachableError:
    """Say that nobody answers, and what to do."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return UnreachableError(f"no {address.service} at {address.url}: {address.remedy}", absent=True)
    if isinstance(error, httpx.TimeoutException):
        return UnreachableError(f"{address.url} does not answer in time: look at its log, then try again")
    return UnreachableError(f"{address.url} broke the connection ({type(error).__name__}): try again")


def refusal(reply: httpx.Response) -> RefusedError:
    """Make an error from a problem document, or from whatever else came."""
    problem = _problem(reply)
    message = str(problem.get("detail") or f"{reply.url} answered {reply.status_code} {reply.reason_phrase}")
    faults = problem.get("errors")
    if isinstance(faults, list) and len(faults) > 1:
        message = "\n".join(["the request has several faults:", *(str(fault.get("message")) for fault in faults)])
    return RefusedError(
        message,
        status=reply.status_code,
        code=str(problem.get("code") or "unknown"),
        retry_after_s=_seconds(reply.headers.get("Retry-After")),
    )


def _problem(reply: httpx.Response) -> dict[str, Any]:
    try:
        document = reply.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isdecimal() else None
