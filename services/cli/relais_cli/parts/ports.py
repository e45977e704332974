"""Free TCP ports on the loopback interface."""

import secrets
import socket

# Below the range from which systems take ports for outgoing connections (32768 and up): a client that keeps
# reconnecting while its server is down can neither take the server's port nor connect to itself.
FIRST, LAST = 20_000, 31_999
_given: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """Choose a port at random that nobody listens on, and that this process hasn't chosen before.

    Whoever asked may take seconds to listen: until then the port looks as free as any.

    Raises:
        OSError: no free port was found in 100 tries.
    """
    for _ in range(100):
        port = FIRST + secrets.randbelow(LAST - FIRST)
        if port not in _given and _is_free(host, port):
            _given.add(port)
            return port
    raise OSError(f"no free port between {FIRST} and {LAST} on {host}")


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do; a listener still refuses us
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def accepts_connections(host: str, port: int) -> bool:
    """Whether somebody listens there now."""
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True
