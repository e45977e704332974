"""Faults of the search index: away, hung, slow, broken, or without the passages that it had."""

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx

from faults.fault import Fault
from faults.rig import Rig
from support.addresses import address_in
from support.scripted_server import http_reply, scripted

Inject = Callable[[Rig, random.Random], AbstractContextManager[object]]

_LONGER_THAN_TIMEOUT_S = (2.5, 4.0)  # the rig's timeout for Qdrant is 2 s
_OTHER_SIZE = {"vectors": {"size": 7, "distance": "Cosine"}}


@contextmanager
def _refused(rig: Rig, _rng: random.Random) -> Iterator[None]:
    rig.qdrant_proxy.cut()
    try:
        yield
    finally:
        rig.qdrant_proxy.pass_on()


@contextmanager
def _severed(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Connections that are kept open die; new ones are accepted."""
    rig.qdrant_proxy.sever()
    yield


@contextmanager
def _half_open(rig: Rig, _rng: random.Random) -> Iterator[None]:
    rig.qdrant_proxy.freeze()
    try:
        yield
    finally:
        rig.qdrant_proxy.pass_on()


def _slow(delay_s: float) -> Inject:
    @contextmanager
    def inject(rig: Rig, _rng: random.Random) -> Iterator[None]:
        rig.qdrant_proxy.delay(delay_s)
        try:
            yield
        finally:
            rig.qdrant_proxy.pass_on()

    return inject


def _answering(reply: bytes) -> Inject:
    """In Qdrant's place something answers every request with these bytes."""

    @contextmanager
    def inject(rig: Rig, _rng: random.Random) -> Iterator[None]:
        with scripted(reply) as impostor:
            rig.qdrant_proxy.upstream = address_in(impostor.url)
            rig.qdrant_proxy.sever()
            try:
                yield
            finally:
                rig.qdrant_proxy.upstream = address_in(rig.qdrant.url)
                rig.qdrant_proxy.sever()

    return inject


@contextmanager
def _killed(rig: Rig, _rng: random.Random) -> Iterator[None]:
    rig.qdrant.kill()
    try:
        yield
    finally:
        rig.qdrant.start()


@contextmanager
def _stopped(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """SIGSTOP: the kernel still accepts connections for it."""
    pid = rig.qdrant.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _without_passages(harm: Callable[[httpx.Client, str], None]) -> Inject:
    """Somebody does this to every collection; afterwards the storage is what it was."""

    @contextmanager
    def inject(rig: Rig, _rng: random.Random) -> Iterator[None]:
        saved = rig.folder / "qdrant-saved"
        shutil.copytree(rig.qdrant.storage, saved)  # fails when another fault of this kind is at work
        try:
            with httpx.Client(base_url=rig.qdrant.url, timeout=5.0) as client:
                for collection in client.get("/collections").raise_for_status().json()["result"]["collections"]:
                    harm(client, collection["name"])
            yield
        finally:
            rig.qdrant.kill()
            shutil.rmtree(rig.qdrant.storage)
            saved.rename(rig.qdrant.storage)
            rig.qdrant.start()

    return inject


def _delete(client: httpx.Client, name: str) -> None:
    client.delete(f"/collections/{name}").raise_for_status()


def _resize(client: httpx.Client, name: str) -> None:
    _delete(client, name)
    client.put(f"/collections/{name}", json=_OTHER_SIZE).raise_for_status()


def _empty(client: httpx.Client, name: str) -> None:
    client.post(f"/collections/{name}/points/delete", json={"filter": {}}).raise_for_status()


FAULTS: tuple[Fault, ...] = (
    Fault("index.refused", _refused, lasts_s=(2.0, 5.0)),
    Fault("index.severed", _severed, lasts_s=(0.1, 0.5)),
    Fault("index.half_open", _half_open, lasts_s=_LONGER_THAN_TIMEOUT_S),
    Fault("index.slow", _slow(0.4)),
    Fault("index.slow.beyond_the_timeout", _slow(2.5), lasts_s=_LONGER_THAN_TIMEOUT_S),
    Fault("index.status_500", _answering(http_reply("500 Internal Server Error", b"{}"))),
    Fault("index.status_503", _answering(http_reply("503 Service Unavailable"))),
    Fault("index.garbage", _answering(http_reply("200 OK", b'\xff\xfe{"result": <'))),
    Fault("index.nonsense", _answering(http_reply("200 OK", b'{"status": "ok"}'))),
    Fault("index.truncated", _answering(http_reply("200 OK", b'{"result": []}')[:-4])),
    Fault("index.not_http", _answering(b"SSH-2.0-OpenSSH_9.2\r\n")),
    Fault("index.sigkill", _killed, shortcut=True),
    Fault("index.sigstop", _stopped, lasts_s=_LONGER_THAN_TIMEOUT_S),
    Fault("index.empty", _without_passages(_empty), lasts_s=(0.2, 1.0)),
    Fault("index.collection_deleted", _without_passages(_delete), lasts_s=(0.2, 1.0)),
    Fault(
        "index.wrong_vector_size",
        _without_passages(_resize),
        lasts_s=(0.2, 1.0),
        may_fail_with=frozenset({"vector_size_mismatch"}),
    ),
)
