"""The addresses of servers, as sockets know them and as URLs spell them."""

import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

Address = tuple[str, int] | Path
LOOPBACK = "127.0.0.1"


def address_in(url: str) -> Address:
    """Where the server of a URL listens; PostgreSQL's `host=/folder` means a Unix socket."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    folder = query.get("host", [""])[0]
    if folder.startswith("/"):
        return Path(folder) / f".s.PGSQL.{query.get('port', ['5432'])[0]}"
    assert parts.hostname is not None, "a URL with a host"
    assert parts.port is not None, "a URL with a port"
    return parts.hostname, parts.port


def rerouted(url: str, port: int) -> str:
    """The same URL with loopback and `port` in place of its server; user, password, path and options stay."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    kept = [option for option in parts.query.split("&") if option and not option.startswith(("host=", "port="))]
    netloc = f"{login}@{LOOPBACK}:{port}" if login else f"{LOOPBACK}:{port}"
    return urlunsplit(parts._replace(netloc=netloc, query="&".join(kept)))


def connect_to(address: Address) -> socket.socket:
    """Connect within five seconds, then block without limit."""
    if isinstance(address, Path):
        unix = socket.socket(socket.AF_UNIX)
        try:
            unix.connect(str(address))
        except OSError:
            unix.close()
            raise
        return unix
    connected = socket.create_connection(address, timeout=5)
    connected.settimeout(None)
    return connected
