"""What a proxy does to the bytes that pass: hold, slow down, cut at a pattern."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["to_client", "to_server"]
DIRECTIONS: tuple[Direction, ...] = ("to_client", "to_server")
_GREETING_BYTES = 2_048
_POLL_S = 0.05


@dataclass
class Passage:
    """What one connection has shown so far."""

    closed: threading.Event = field(default_factory=threading.Event)
    stranded: bool = False
    greeting: bytes = b""
    tails: dict[Direction, bytes] = field(default_factory=lambda: {"to_client": b"", "to_server": b""})
    armed: set[int] = field(default_factory=set)


@dataclass
class Cut:
    """Cuts a connection when `pattern` passes; `happened` counts how often it did.

    Args:
        before: cut without forwarding the pattern; otherwise forward it, then cut.
        times: how many connections at most.
        only: part of what the client says first, such as PostgreSQL's `application_name`; empty: every connection.
        after: what the server must have said on this connection beforehand; empty: nothing.
        meanwhile: told the client's TCP port as the pattern comes; what it returns is called just before the cut.
    """

    pattern: bytes
    direction: Direction
    before: bool
    times: int = 1
    only: bytes = b""
    after: bytes = b""
    meanwhile: Callable[[int], Callable[[], None]] | None = None
    happened: int = 0

    def where(self, passage: Passage, direction: Direction, data: bytes) -> int | None:
        """How many bytes of `data` to forward before the cut; None when nothing is to be cut."""
        tail = passage.tails[direction]
        if self.after and direction == "to_client" and _find(self.after, tail, data) is not None:
            passage.armed.add(id(self))
        if direction != self.direction or self.happened >= self.times or self.only not in passage.greeting:
            return None
        at = _find(self.pattern, tail, data)
        if at is None or (self.after and id(self) not in passage.armed):
            return None
        return max(0, at) if self.before else len(data)


class Flow:
    """The state of the line, shared by all connections of a proxy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.pass_on()

    def pass_on(self) -> None:
        """Let everything pass at once again."""
        self._held: frozenset[Direction] = frozenset()
        self._delay_s = 0.0
        self._bytes_per_s = 0.0
        self._cuts: list[Cut] = []

    def hold(self, directions: frozenset[Direction]) -> None:
        """Keep the bytes of these directions."""
        self._held = directions

    def slow_down(self, *, delay_s: float = 0.0, bytes_per_s: float = 0.0) -> None:
        """Wait before each piece, or let this many bytes pass in a second."""
        self._delay_s, self._bytes_per_s = delay_s, bytes_per_s

    def add(self, cut: Cut) -> Cut:
        """Watch for one more pattern."""
        self._cuts = [*self._cuts, cut]
        return cut

    def cut_at(self, passage: Passage, direction: Direction, data: bytes) -> tuple[int, Cut] | None:
        """Where the connection is to be cut, if it is; counts the cut."""
        if direction == "to_server" and len(passage.greeting) < _GREETING_BYTES:
            passage.greeting += data
        with self._lock:
            for cut in self._cuts:
                at = cut.where(passage, direction, data)
                if at is not None:
                    cut.happened += 1
                    return at, cut
        passage.tails[direction] = (passage.tails[direction] + data)[-63:]
        return None

    def pieces(self, passage: Passage, direction: Direction, data: bytes) -> Iterator[bytes]:
        """The data as they may pass, each piece in its time; ends early when the connection is closed."""
        while data and not passage.closed.is_set():
            self.wait(passage, direction)
            passage.closed.wait(self._delay_s)
            size = max(1, int(self._bytes_per_s * _POLL_S)) if self._bytes_per_s else len(data)
            yield data[:size]
            data = data[size:]
            if self._bytes_per_s:
                passage.closed.wait(size / self._bytes_per_s)

    def wait(self, passage: Passage, direction: Direction) -> None:
        """Return when this direction isn't held any more."""
        while direction in self._held and not passage.closed.is_set():
            time.sleep(_POLL_S)


def _find(pattern: bytes, tail: bytes, data: bytes) -> int | None:
    """Where the pattern begins in `data`, negative when in what passed before; at least its end is new."""
    overlap = tail[max(0, len(tail) - len(pattern) + 1) :]
    at = (overlap + data).find(pattern)
    return None if at < 0 else at - len(overlap)
