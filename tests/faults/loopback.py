"""HTTP clients for our own servers: cheap to make, since they load no certificates."""

import ssl
from typing import Any

import httpx

# A connection that rests may be closed by the server in the instant of the next request. Who must have a reply and
# can't tell whether the request was heard uses each connection once.
ONCE = httpx.Limits(max_keepalive_connections=0)


def client(base_url: str = "", *, timeout: float = 5.0, **options: Any) -> httpx.Client:
    """A client that speaks plain HTTP and heeds no proxy of the environment."""
    # The default context reads every authority's certificate, which takes longer than most of our requests.
    no_authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(base_url=base_url, timeout=timeout, verify=no_authorities, trust_env=False, **options)
