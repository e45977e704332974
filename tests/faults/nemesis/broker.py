"""Faults of RabbitMQ and of the way to it: away, wiped, blocked, cut off between a token and its confirm."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from faults.fault import Fault
from faults.rig import Rig
from relais.queues import QUEUE_NAMES
from support.rabbitmq_admin import RabbitMQAdmin
from support.rabbitmqctl import rabbitmqctl
from support.waiting import wait_until

Inject = Callable[[Rig, random.Random], AbstractContextManager[object]]

_BETWEEN_RESTARTS_S = 4.0
_CONFIRMS_WITHIN_S = 15.0
_BASIC_ACK = b"\x00\x3c\x00\x50"  # class 60, method 80; the server sends it as a confirm only
_NORMAL_WATERMARK = "0.4"


@contextmanager
def _killed(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """SIGKILL."""
    rig.rabbitmq.kill()
    try:
        yield
    finally:
        _up(rig)


@contextmanager
def _stopped(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Shut down in order, as for an upgrade."""
    rig.rabbitmq.stop()
    try:
        yield
    finally:
        _up(rig)


@contextmanager
def _restarting(rig: Rig, rng: random.Random) -> Iterator[None]:
    """Killed again and again, four seconds after it was up."""
    ended = threading.Event()

    def restart() -> None:
        while not ended.is_set():
            rig.rabbitmq.kill()
            rig.rabbitmq.start()
            ended.wait(_BETWEEN_RESTARTS_S)

    thread = threading.Thread(target=restart, name="restarting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _up(rig)


@contextmanager
def _wiped(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """It comes back without a queue, a token or a memory of either."""
    rig.rabbitmq.kill()
    rig.rabbitmq.wipe()
    rig.rabbitmq.start()
    yield


@contextmanager
def _queues_deleted(rig: Rig, rng: random.Random) -> Iterator[None]:
    """Somebody deletes the queues, tokens and consumers with them."""
    with RabbitMQAdmin.of(rig.rabbitmq) as admin:
        for name in rng.sample(QUEUE_NAMES, len(QUEUE_NAMES)):
            admin.drop_queue("/", name)
    yield


@contextmanager
def _queues_purged(rig: Rig, rng: random.Random) -> Iterator[None]:
    """Somebody throws every token away that no worker has taken."""
    with RabbitMQAdmin.of(rig.rabbitmq) as admin:
        for name in rng.sample(QUEUE_NAMES, len(QUEUE_NAMES)):
            admin.purge_queue("/", name)
    yield


@contextmanager
def _memory_alarm(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """It takes no more than a first token of each connection, and doesn't say when that will end."""
    rabbitmqctl(rig.rabbitmq, "set_vm_memory_high_watermark", "0.000001")
    try:
        yield
    finally:
        rabbitmqctl(rig.rabbitmq, "set_vm_memory_high_watermark", _NORMAL_WATERMARK)


@contextmanager
def _cut_before_confirm(rig: Rig, rng: random.Random) -> Iterator[None]:
    """It has the tokens, and who published them never learns so."""
    cut = rig.broker_proxy.cut_when(_BASIC_ACK, "to_client", before=True, times=rng.randint(1, 6))
    try:
        wait_until(lambda: cut.happened, _CONFIRMS_WITHIN_S, "a confirm was cut")
        yield
    finally:
        rig.broker_proxy.pass_on()


@contextmanager
def _severed(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """All connections are reset; new ones work."""
    rig.broker_proxy.sever()
    yield


@contextmanager
def _unreachable(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Connections are reset and refused."""
    rig.broker_proxy.cut()
    try:
        yield
    finally:
        rig.broker_proxy.pass_on()


@contextmanager
def _half_open(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """The line is dead both ways, for new connections too, and nobody says so."""
    rig.broker_proxy.freeze()
    try:
        yield
    finally:
        rig.broker_proxy.pass_on()


@contextmanager
def _stranded(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """The open connections die without a word and never come back; new ones work: a firewall forgot its table."""
    rig.broker_proxy.strand()
    yield


@contextmanager
def _nothing_confirmed(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Tokens arrive, answers don't: whatever is announced meanwhile was announced on a guess."""
    rig.broker_proxy.freeze("to_client")
    try:
        with rig.no_confirms():
            yield
    finally:
        rig.broker_proxy.pass_on()


@contextmanager
def _slow(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Each piece takes 100 ms each way: longer than a reply waits for a confirm."""
    rig.broker_proxy.delay(0.1)
    try:
        yield
    finally:
        rig.broker_proxy.pass_on()


def _up(rig: Rig) -> None:
    if not rig.rabbitmq.is_running:
        rig.rabbitmq.start()


# Connections that died without a word are noticed by AMQP's heartbeats alone, within 22 s (`broker/rabbitmq.py`); the
# sweeper may then wait for the confirms of another one, for 10 s.
_UNTIL_NOTICED_S = 40.0

FAULTS = (
    Fault("broker.sigkill", _killed, shortcut=True, costs_attempts=False),
    Fault("broker.stopped", _stopped, costs_attempts=False),
    Fault("broker.restarted_every_4_s", _restarting, lasts_s=(12.0, 16.0), mixes=False, costs_attempts=False),
    Fault("broker.down_60_s", _killed, lasts_s=(60.0, 60.0), mixes=False, costs_attempts=False),
    Fault("broker.wiped", _wiped, costs_attempts=False),
    Fault("broker.queues_deleted", _queues_deleted, costs_attempts=False),
    Fault("broker.queues_purged", _queues_purged, costs_attempts=False),
    Fault("broker.memory_alarm", _memory_alarm, lasts_s=(2.0, 8.0), costs_attempts=False),
    Fault("broker.cut_before_confirm", _cut_before_confirm, lasts_s=(2.0, 3.0), costs_attempts=False),
    Fault("broker.severed", _severed, costs_attempts=False),
    Fault("broker.unreachable", _unreachable, costs_attempts=False),
    Fault("broker.half_open", _half_open, lasts_s=(1.0, 6.0), costs_attempts=False),
    Fault("broker.stranded", _stranded, lasts_s=(1.0, 2.0), budget_s=_UNTIL_NOTICED_S, costs_attempts=False),
    Fault("broker.nothing_confirmed", _nothing_confirmed, lasts_s=(2.0, 4.0), costs_attempts=False),
    Fault("broker.slow", _slow, lasts_s=(2.0, 3.0), costs_attempts=False),
)
