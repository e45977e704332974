"""Waiting for a condition instead of sleeping for a guess."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], timeout_s: float = 10.0, message: str = "") -> T:
    """Poll `condition` every 20 ms until it is truthy and return what it returned.

    Raises:
        AssertionError: it stayed falsy for `timeout_s` seconds; names `message` and the last value.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {message or condition} (last value: {value!r})")
        time.sleep(0.02)
