"""Tells news from what was said a moment ago."""

import time

_FORGET_S = 60.0
_MOST = 500


class Novelty:
    """Remembers what was said; a part that is away repeats itself several times a second."""

    def __init__(self) -> None:
        self._said_at: dict[str, float] = {}

    def is_news(self, text: str) -> bool:
        """Whether the same wasn't said within the last minute; from now on it was."""
        now = time.monotonic()
        if now - self._said_at.get(text, -_FORGET_S) < _FORGET_S:
            return False
        if len(self._said_at) >= _MOST:
            self._said_at.clear()
        self._said_at[text] = now
        return True
