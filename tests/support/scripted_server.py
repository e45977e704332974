"""A server that sends exactly the bytes a test wants, at the pace it wants: for faults that no real server shows."""

import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

OK_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
END_OF_STREAM = b"0\r\n\r\n"

Step = bytes | float


def http_reply(status: str, body: bytes = b"", content_type: str = "application/json") -> bytes:
    """A whole reply, such as `http_reply("503 Service Unavailable", b"{}")`."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked reply."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class ScriptedServer:
    """Answers each connection's request with the steps: bytes are sent, a number waits that many seconds.

    `requests` has what was asked; `left` is set when a client closes its connection before the script ends.
    """

    def __init__(self, steps: Sequence[Step], port: int) -> None:
        self.steps = steps
        self.url = f"http://127.0.0.1:{port}"
        self.requests: list[bytes] = []
        self.left = threading.Event()

    def play(self, client: socket.socket) -> None:
        """Read one request and go through the steps."""
        self.requests.append(_read_request(client))
        for step in self.steps:
            if isinstance(step, bytes):
                client.sendall(step)
            elif self._left_within(client, step):
                self.left.set()
                return

    def _left_within(self, client: socket.socket, seconds: float) -> bool:
        client.settimeout(seconds)
        try:
            return client.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


@contextmanager
def scripted(*steps: Step) -> Iterator[ScriptedServer]:
    """Run a server with these steps until the end of the block."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            server.play(self.request)

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: object) -> None:
            server.left.set()  # a client that went away while we were sending

    with Listener(("127.0.0.1", 0), Handler) as listener:
        server = ScriptedServer(steps, listener.server_address[1])
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def _read_request(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _piece(client)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    while lengths and len(body) < int(lengths[0]):
        body += _piece(client)
    return head + b"\r\n\r\n" + body


def _piece(client: socket.socket) -> bytes:
    piece = client.recv(65536)
    if not piece:
        raise ConnectionResetError("the client left before its request was whole")
    return piece
