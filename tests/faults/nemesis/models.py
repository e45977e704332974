"""Faults of the model server: away, hung, slow, broken, or lying."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from faults.fault import Fault
from faults.rig import Rig

Inject = Callable[[Rig, random.Random], AbstractContextManager[object]]

_STARTING = threading.Lock()  # two faults may end at once
_LONGER_THAN_IDLE_S = (3.5, 5.0)  # the rig's idle timeout is 3 s
_MANY_ANSWERS_S = (2.0, 4.0)
_LONGER_THAN_STALL_S = (6.5, 8.0)  # and its attempts stall after 6 s


def _misbehaving(**plan: object) -> Inject:
    """Each request from now on meets this plan; the fields are those of `relais_models.faults.plan.FaultPlan`."""

    @contextmanager
    def inject(rig: Rig, _rng: random.Random) -> Iterator[None]:
        rig.model_faults.inject(**plan)
        try:
            yield
        finally:
            rig.model_faults.end()

    return inject


def _dripping(bytes_per_s: float) -> Inject:
    """Replies come so slowly that a timeout per read may never trip."""

    @contextmanager
    def inject(rig: Rig, _rng: random.Random) -> Iterator[None]:
        rig.running_generation()
        rig.ollama_proxy.drip(bytes_per_s)
        try:
            yield
        finally:
            rig.ollama_proxy.pass_on()

    return inject


@contextmanager
def _refused(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Nobody listens: every call fails at once, so that careless retries would burn attempts fastest."""
    rig.ollama_proxy.cut()
    try:
        yield
    finally:
        rig.ollama_proxy.pass_on()


@contextmanager
def _severed(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Running generations lose their connection."""
    rig.running_generation()
    rig.ollama_proxy.sever()
    yield


@contextmanager
def _half_open(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """Neither side learns that nothing passes any more."""
    rig.running_generation()
    rig.ollama_proxy.freeze()
    try:
        yield
    finally:
        rig.ollama_proxy.pass_on()


@contextmanager
def _killed(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """SIGKILL while it generates; started again afterwards."""
    rig.running_generation()
    rig.models.kill()
    try:
        yield
    finally:
        with _STARTING:
            if not rig.models.is_running:
                rig.models.start()


@contextmanager
def _stopped(rig: Rig, _rng: random.Random) -> Iterator[None]:
    """SIGSTOP while it generates: the kernel still accepts connections for it."""
    rig.running_generation()
    pid = int((rig.folder / "models" / "models.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


FAULTS: tuple[Fault, ...] = (
    Fault("models.hang.before_headers", _misbehaving(hang=True), lasts_s=_LONGER_THAN_IDLE_S),
    Fault("models.hang.after_headers", _misbehaving(headers_only=True), lasts_s=_LONGER_THAN_IDLE_S),
    Fault("models.hang.mid_answer", _misbehaving(stall_after=2, endpoints=["chat"]), lasts_s=_LONGER_THAN_IDLE_S),
    Fault("models.drip.byte_in_20_s", _dripping(0.05), lasts_s=_LONGER_THAN_IDLE_S, pace="slow"),
    Fault("models.drip.byte_a_second", _dripping(1.0), lasts_s=_LONGER_THAN_STALL_S, pace="slow"),
    Fault("models.slow", _misbehaving(first_token_delay_s=1.5, token_delay_s=0.2), lasts_s=(1.0, 3.0)),
    Fault("models.status_500", _misbehaving(error_rate=1.0, error_status=500), shortcut=True),
    Fault("models.status_503", _misbehaving(error_rate=1.0, error_status=503)),
    Fault("models.status_503.half", _misbehaving(error_rate=0.5, error_status=503)),
    Fault(
        "models.status_404",
        _misbehaving(error_rate=1.0, error_status=404),
        lasts_s=(0.2, 1.0),
        may_fail_with=frozenset({"model_missing"}),
    ),
    Fault("models.garbage", _misbehaving(garbage_after=0)),
    Fault("models.garbage.mid_answer", _misbehaving(garbage_after=2)),
    Fault("models.truncated", _misbehaving(drop_after=0)),
    Fault("models.dropped.mid_answer", _misbehaving(drop_after=2)),
    Fault("models.without_done", _misbehaving(truncate_after=3)),
    Fault("models.lie.empty", _misbehaving(lie="empty"), lasts_s=_MANY_ANSWERS_S),
    Fault("models.lie.oversized", _misbehaving(lie="oversized"), lasts_s=_MANY_ANSWERS_S),
    Fault("models.lie.not_a_number", _misbehaving(lie="not_a_number"), lasts_s=_MANY_ANSWERS_S),
    Fault(
        "models.lie.unprintable",
        _misbehaving(lie="unprintable"),
        lasts_s=_MANY_ANSWERS_S,
        may_answer_ungrounded=True,
    ),
    Fault("models.lie.wrong_counts", _misbehaving(lie="wrong_counts"), lasts_s=_MANY_ANSWERS_S),
    Fault(
        "models.lie.wrong_size",
        _misbehaving(lie="wrong_size"),
        lasts_s=(0.2, 1.0),
        may_fail_with=frozenset({"index_outdated"}),
    ),
    Fault("models.refused", _refused, lasts_s=(3.0, 6.0)),
    Fault("models.severed", _severed, lasts_s=(0.1, 0.5), pace="slow"),
    Fault("models.half_open", _half_open, lasts_s=_LONGER_THAN_IDLE_S, pace="slow"),
    Fault("models.sigkill", _killed, pace="slow", shortcut=True),
    Fault("models.sigstop", _stopped, lasts_s=_LONGER_THAN_IDLE_S, pace="slow"),
)
