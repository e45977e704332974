"""Waiting until a server that was just started answers."""

import time
from collections.abc import Callable

_INTERVAL_S = 0.05


def wait_until_ready(is_ready: Callable[[], bool], is_alive: Callable[[], bool], timeout_s: float) -> bool:
    """Poll until ready (True), or until the process has ended or the time is up (False)."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and is_alive():
        if is_ready():
            return True
        time.sleep(_INTERVAL_S)
    return False


def last_lines(text: str, count: int = 3) -> str:
    """The end of a log in one line, for an error message."""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-count:])
