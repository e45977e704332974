"""Spans of time in which something was so, as the nemesis records them for the checker."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Window:
    """From `start` to `end` (seconds since the epoch; None: it lasts), about `subject`."""

    start: float
    end: float | None = None
    subject: object = None

    def covers(self, at: float, *, slack_s: float = 0.0) -> bool:
        return self.start - slack_s <= at <= (self.end if self.end is not None else float("inf")) + slack_s


@dataclass(slots=True)
class Windows:
    """All spans so far."""

    spans: list[Window] = field(default_factory=list)

    @contextmanager
    def window(self, subject: object = None) -> Iterator[None]:
        """Record the time spent in this context."""
        span = Window(time.time(), subject=subject)
        self.spans.append(span)
        try:
            yield
        finally:
            span.end = time.time()

    def covering(self, at: float, *, slack_s: float = 0.0) -> list[Window]:
        return [span for span in self.spans if span.covers(at, slack_s=slack_s)]
