"""The fault-injecting proxy that the fault suite stands on: each harm, and that it heals."""

import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from relais_cli.parts.ports import free_port
from support.addresses import address_in, rerouted
from support.proxy import Proxy
from support.servers import short_folder
from support.waiting import wait_until


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.server.received += data
            self.request.sendall(data)


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    received = b""

    def handle_error(self, *_: object) -> None:
        """A reset is what these tests are for."""


@contextmanager
def _echoing(port: int = 0) -> Iterator[_Server]:
    with _Server(("127.0.0.1", port), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def echo() -> Iterator[_Server]:
    with _echoing() as server:
        yield server


@pytest.fixture
def proxy(echo: _Server) -> Iterator[Proxy]:
    proxy = Proxy(echo.server_address).start()
    yield proxy
    proxy.stop()


@contextmanager
def _client(proxy: Proxy, timeout_s: float = 5.0) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout_s) as client:
        yield client


def _says(client: socket.socket, data: bytes) -> bytes:
    """What comes back, as far as one read brings it."""
    client.sendall(data)
    return client.recv(65536)


def _hears_nothing(client: socket.socket) -> None:
    patience_s = client.gettimeout()
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(patience_s)


def _is_cut(client: socket.socket) -> bool:
    try:
        return client.recv(65536) == b""
    except ConnectionResetError:
        return True


def test_bytes_pass_both_ways(proxy: Proxy):
    """Without a fault a proxy is transparent, and the end of the client's data reaches the server and comes back."""
    with _client(proxy) as client:
        assert _says(client, b"hello") == b"hello"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(10) == b""
    wait_until(lambda: proxy.connections == 0, 5, "nothing is left open")


def test_a_large_transfer_arrives_whole(proxy: Proxy, echo: _Server):
    """Megabytes pass unchanged, also in pieces larger than the proxy reads at once."""
    data = bytes(range(256)) * 8_000
    with _client(proxy, 20) as client:
        threading.Thread(target=client.sendall, args=[data], daemon=True).start()
        received = b""
        while len(received) < len(data):
            received += client.recv(1 << 20)
    assert received == data


def test_cut_resets_and_refuses_until_healed(proxy: Proxy):
    """`cut` resets what is open and refuses what is new, and the port stays reserved for `pass_on`."""
    with _client(proxy) as client:
        assert _says(client, b"a") == b"a"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError), _client(proxy):
        pass
    proxy.pass_on()
    with _client(proxy) as client:
        assert _says(client, b"b") == b"b"


def test_a_cut_is_a_reset_whichever_thread_is_faster(echo: _Server):
    """A thread of the proxy that a cut wakes doesn't end the connection in order before the reset."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(200):
            proxy = Proxy(echo.server_address).start()
            with _client(proxy) as client:
                assert _says(client, b"a") == b"a"
                proxy.stop()
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
    finally:
        sys.setswitchinterval(before)


def test_sever_cuts_what_is_open_only(proxy: Proxy):
    """`sever` resets the open connections whose client began with the given bytes; others and new ones live."""
    with _client(proxy) as one, _client(proxy) as other:
        assert _says(one, b"api-1") == b"api-1"
        assert _says(other, b"worker-1") == b"worker-1"
        proxy.sever(only=b"api")
        assert _is_cut(one)
        assert _says(other, b"still") == b"still"
    with _client(proxy) as client:
        assert _says(client, b"new") == b"new"


@pytest.mark.parametrize(("direction", "reaches"), [("both", False), ("to_server", False), ("to_client", True)])
def test_freeze_holds_the_bytes_until_healed(proxy: Proxy, echo: _Server, direction: str, reaches: bool):
    """A half-open connection: nobody hears of it, and what was said meanwhile arrives when it heals."""
    with _client(proxy) as client:
        assert _says(client, b"a") == b"a"
        proxy.freeze(direction)
        client.sendall(b"b")
        _hears_nothing(client)
        if reaches:
            wait_until(lambda: echo.received == b"ab", 5, "the server hears")
        assert (echo.received == b"ab") is reaches
        proxy.pass_on()
        assert client.recv(1) == b"b"


def test_a_new_connection_to_a_frozen_line_hangs(proxy: Proxy):
    """Who connects to a half-open line is neither refused nor answered."""
    proxy.freeze()
    with _client(proxy) as client:
        client.sendall(b"a")
        _hears_nothing(client)


def test_stranded_connections_are_dead_for_good_while_new_ones_live(proxy: Proxy):
    """A network that forgot its connections: nothing passes on the old ones, neither end hears of it, new ones work."""
    with _client(proxy) as old:
        assert _says(old, b"a") == b"a"
        proxy.strand()
        old.sendall(b"b")
        _hears_nothing(old)
        with _client(proxy) as new:
            assert _says(new, b"c") == b"c"
        proxy.pass_on()
        _hears_nothing(old)


def test_delay_and_drip_slow_down(proxy: Proxy):
    """`delay` waits before each piece, `drip` lets few bytes pass a second; `pass_on` ends both."""
    with _client(proxy) as client:
        proxy.delay(0.2)
        before = time.monotonic()
        assert _says(client, b"a") == b"a"
        assert time.monotonic() - before >= 0.4
        proxy.pass_on()
        proxy.drip(100)
        before = time.monotonic()
        client.sendall(b"x" * 50)
        received = b""
        while len(received) < 50:
            received += client.recv(100)
        assert time.monotonic() - before >= 0.4
        proxy.pass_on()
        assert _says(client, b"a" * 500) == b"a" * 500


def test_cut_before_a_pattern(proxy: Proxy, echo: _Server):
    """The pattern isn't forwarded, even when it comes in two pieces; what stood before it is."""
    cut = proxy.cut_when(b"COMMIT", "to_server", before=True)
    with _client(proxy) as client:
        assert _says(client, b"one COM") == b"one COM"
        client.sendall(b"MIT two")
        assert _is_cut(client)
    assert echo.received == b"one COM"
    assert cut.happened == 1
    with _client(proxy) as client:
        assert _says(client, b"COMMIT") == b"COMMIT", "once only"


def test_cut_after_a_pattern(proxy: Proxy, echo: _Server):
    """The pattern arrives, and whoever sent it never learns so."""
    proxy.cut_when(b"COMMIT", "to_server", before=False)
    with _client(proxy) as client:
        client.sendall(b"one COMMIT")
        assert _is_cut(client)
    wait_until(lambda: echo.received == b"one COMMIT", 5, "the server has it")


@pytest.mark.parametrize("before", [True, False])
def test_the_client_is_known_before_it_is_cut(proxy: Proxy, before: bool):
    """`meanwhile` is told the client's port; what it returns is called when what may pass has, and all is whole yet."""
    seen: list[int] = []
    proxy.cut_when(
        b"COMMIT", "to_server", before=before, meanwhile=lambda port: lambda: seen.extend([port, proxy.connections])
    )
    with _client(proxy) as client:
        client.sendall(b"COMMIT")
        assert _is_cut(client)
        assert seen == [client.getsockname()[1], 1]


def test_a_cut_may_name_the_client_and_what_came_before(proxy: Proxy):
    """`only` picks the client by its first words, `after` waits for something that the server has to say first."""
    cut = proxy.cut_when(b"COMMIT", "to_server", before=True, times=5, only=b"worker", after=b"INSERT")
    with _client(proxy) as api, _client(proxy) as worker:
        assert _says(api, b"api INSERT") == b"api INSERT"
        assert _says(api, b"COMMIT") == b"COMMIT"
        assert _says(worker, b"worker COMMIT") == b"worker COMMIT"
        assert _says(worker, b"INSERT") == b"INSERT"
        worker.sendall(b"COMMIT")
        assert _is_cut(worker)
    assert cut.happened == 1


def test_the_server_may_restart_behind_it():
    """Without a server a client is reset at once; when one listens again, new connections reach it."""
    port = free_port()  # no outgoing connection takes it while nobody listens
    with _echoing(port):
        proxy = Proxy(("127.0.0.1", port)).start()
        with _client(proxy) as client:
            assert _says(client, b"a") == b"a"
    try:
        assert _is_reset(proxy)
        with _echoing(port), _client(proxy) as client:
            assert _says(client, b"b") == b"b"
    finally:
        proxy.stop()


def _is_reset(proxy: Proxy) -> bool:
    try:
        with _client(proxy) as client:
            return _is_cut(client)
    except ConnectionResetError:  # so soon that it met the connecting itself
        return True


def test_it_may_listen_on_a_unix_socket(echo: _Server):
    """With `listen` the proxy is a Unix socket, and `cut` refuses there too."""
    with short_folder("proxy") as folder:
        proxy = Proxy(echo.server_address, listen=folder / "socket").start()
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(proxy.path))
                assert _says(client, b"a") == b"a"
            proxy.cut()
            with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
                client.connect(str(proxy.path))
            proxy.pass_on()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(proxy.path))
                assert _says(client, b"b") == b"b"
        finally:
            proxy.stop()


def test_addresses_in_urls():
    """A URL's server is found, Unix sockets included, and replaced without touching the rest."""
    unix = "postgresql+psycopg://postgres@/relais?host=/tmp/pg&port=5432"
    assert address_in(unix) == Path("/tmp/pg/.s.PGSQL.5432")  # noqa: S108 -- an example
    assert rerouted(unix, 99) == "postgresql+psycopg://postgres@127.0.0.1:99/relais"
    amqp = "amqp://me:secret@example.com:5672/%2F?heartbeat=5"
    assert address_in(amqp) == ("example.com", 5672)
    assert rerouted(amqp, 99) == "amqp://me:secret@127.0.0.1:99/%2F?heartbeat=5"


@pytest.mark.parametrize("before", [True, False], ids=["before-the-server-has-it", "before-the-client-knows"])
def test_a_commit_of_postgresql_cut_on_its_way(empty_database_url: str, before: bool):
    """PostgreSQL's Unix socket through a TCP port; a COMMIT is lost on its way there, or only its reply is."""
    proxy = Proxy(empty_database_url).start()
    direct = empty_database_url.replace("+psycopg", "")
    with psycopg.connect(direct) as conn:
        conn.execute("CREATE TABLE things (id int)")
    client = psycopg.connect(proxy.reroute(direct), application_name="worker")
    client.execute("INSERT INTO things VALUES (1)")
    if before:
        proxy.cut_when(b"COMMIT", "to_server", before=True, only=b"worker")
    else:
        proxy.cut_when(b"COMMIT\0", "to_client", before=True, only=b"worker")
    with pytest.raises(psycopg.OperationalError):
        client.commit()
    client.close()
    with psycopg.connect(direct) as conn:
        assert conn.execute("SELECT count(*) FROM things").fetchone() == (0 if before else 1,)
    proxy.stop()
