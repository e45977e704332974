"""A proxy between a client and a server that can do to their connections whatever a network does."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

from support.addresses import LOOPBACK, Address, address_in, connect_to, rerouted
from support.proxy_flow import DIRECTIONS, Cut, Direction, Flow, Passage

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() sends RST
_BACKLOG = 512


class Link:
    """One client's connection and ours to the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.ends: dict[Direction, socket.socket] = {"to_client": client, "to_server": server}
        self.passage = Passage()
        self._lock = threading.Lock()
        self._finished = 0

    @property
    def client_port(self) -> int:
        """The TCP port that the client is connected from."""
        return int(self.ends["to_client"].getpeername()[1])

    def cut(self, *, gently: Direction | None = None) -> None:
        """Reset both connections; the `gently` one is closed in order, so that its peer reads what was sent."""
        with self._lock:
            self.passage.closed.set()
            for direction, end in self.ends.items():
                with contextlib.suppress(OSError):
                    if direction != gently and end.family != socket.AF_UNIX:
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    end.shutdown(socket.SHUT_RD)  # wakes the thread that reads; says nothing to the peer
                end.close()

    def finish(self) -> bool:
        """Note that one direction has ended; whether both have, and all is closed."""
        with self._lock:
            self._finished += 1
            if self._finished == len(DIRECTIONS):
                for end in self.ends.values():
                    end.close()
            return self._finished == len(DIRECTIONS)


class Proxy:
    """Forwards TCP on a loopback port to a TCP or Unix address; with `listen`, a Unix socket in place of the port.

    A server may stop and start behind it: each connection is made to the address anew, and reset when nobody listens.
    """

    def __init__(self, upstream: Address | str, *, listen: Path | None = None) -> None:
        self.upstream: Address = address_in(upstream) if isinstance(upstream, str) else upstream
        self.path = listen
        self.port = 0
        self._flow = Flow()
        self._links: set[Link] = set()
        self._lock = threading.Lock()
        self._reserved: socket.socket | None = None
        self._listener: socket.socket | None = None

    def start(self) -> Self:
        """Listen; the port stays the same until `stop`."""
        if self.path is None:
            self._reserved = _bound(0)
            self.port = int(self._reserved.getsockname()[1])
        self._listen()
        return self

    def stop(self) -> None:
        """Cut everything and give the port back."""
        self.cut()
        if self._reserved is not None:
            self._reserved.close()

    @property
    def url(self) -> str:
        """The address for HTTP."""
        return f"http://{LOOPBACK}:{self.port}"

    def reroute(self, url: str) -> str:
        """The URL of the server, by way of this proxy."""
        return rerouted(url, self.port)

    @property
    def connections(self) -> int:
        """How many are open."""
        with self._lock:
            return len(self._links)

    def cut(self) -> None:
        """Reset all connections and refuse new ones until `pass_on`."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            self._listener.close()
            self._listener = None
        self.sever()

    def sever(self, *, only: bytes = b"") -> None:
        """Reset the open connections, or those whose client began with `only`; new ones are accepted."""
        with self._lock:
            links = [link for link in self._links if only in link.passage.greeting]
        for link in links:
            self._cut(link)

    def freeze(self, direction: Direction | Literal["both"] = "both") -> None:
        """Hold the bytes of a direction, ends of connections included: half-open, neither side learns anything."""
        self._flow.hold(frozenset(DIRECTIONS) if direction == "both" else frozenset([direction]))

    def strand(self) -> None:
        """Lose every byte of the open connections, for good and without a word; new ones work."""
        with self._lock:
            for link in self._links:
                link.passage.stranded = True

    def delay(self, seconds: float) -> None:
        """Let each piece wait."""
        self._flow.slow_down(delay_s=seconds)

    def drip(self, bytes_per_s: float) -> None:
        """Let few bytes pass."""
        self._flow.slow_down(bytes_per_s=bytes_per_s)

    def cut_when(
        self,
        pattern: bytes,
        direction: Direction,
        *,
        before: bool,
        times: int = 1,
        only: bytes = b"",
        after: bytes = b"",
        meanwhile: Callable[[int], Callable[[], None]] | None = None,
    ) -> Cut:
        """Cut a connection when the pattern passes (see `Cut`); returns what counts the cuts."""
        assert len(pattern) <= 64, "longer patterns could be split over more than two pieces"
        return self._flow.add(Cut(pattern, direction, before, times, only, after, meanwhile))

    def pass_on(self) -> None:
        """End every fault; held bytes go their way."""
        self._flow.pass_on()
        if self._listener is None:
            self._listen()

    def _listen(self) -> None:
        self._listener = _bound(self.port) if self.path is None else _bound_to(self.path)
        self._listener.listen(_BACKLOG)
        threading.Thread(target=self._accept, args=[self._listener], name="proxy-accept", daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._connect, args=[client, listener], name="proxy", daemon=True).start()

    def _connect(self, client: socket.socket, listener: socket.socket) -> None:
        try:
            server = connect_to(self.upstream)
        except OSError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
            return
        for end in (client, server):  # before others see the link, and may close it
            if end.family != socket.AF_UNIX:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(client, server)
        with self._lock:
            self._links.add(link)
        if listener is not self._listener:  # cut in the meantime
            self._cut(link)
            return
        threading.Thread(target=self._pump, args=[link, "to_client"], name="proxy", daemon=True).start()
        self._pump(link, "to_server")

    def _pump(self, link: Link, direction: Direction) -> None:
        source = link.ends["to_client" if direction == "to_server" else "to_server"]
        try:
            while data := source.recv(_CHUNK):
                if not self._forward(link, direction, data):
                    return
            self._flow.wait(link.passage, direction)
            # What looks like the end of the data may be a cut, which wakes us so: only its reset may tell of it.
            if not link.passage.stranded and not link.passage.closed.is_set():
                link.ends[direction].shutdown(socket.SHUT_WR)
        except OSError:
            self._flow.wait(link.passage, direction)
            if not link.passage.stranded:
                self._cut(link)
        finally:
            if link.finish():
                self._forget(link)

    def _forward(self, link: Link, direction: Direction, data: bytes) -> bool:
        if link.passage.stranded:
            return True
        cut = self._flow.cut_at(link.passage, direction, data)
        if cut is not None and not cut[1].before:
            link.passage.stranded = True  # else the reply might be back before the connection is cut
        strike = cut[1].meanwhile(link.client_port) if cut is not None and cut[1].meanwhile is not None else None
        for piece in self._flow.pieces(link.passage, direction, data if cut is None else data[: cut[0]]):
            link.ends[direction].sendall(piece)
        if cut is not None:
            if strike is not None:
                strike()
            self._cut(link, gently=None if cut[1].before else direction)
        return cut is None

    def _cut(self, link: Link, *, gently: Direction | None = None) -> None:
        link.cut(gently=gently)
        self._forget(link)

    def _forget(self, link: Link) -> None:
        with self._lock:
            self._links.discard(link)


def _bound(port: int) -> socket.socket:
    # Two sockets share the port: one only keeps it ours while the other, which listens, is closed.
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((LOOPBACK, port))
    return listener


def _bound_to(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    return listener
