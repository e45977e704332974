"""Full disks under PostgreSQL and under RabbitMQ, whose data lie on a small file system of their own."""

import os
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import httpx

from faults.fault import Fault
from faults.quietness import Quietness
from faults.result import TrialResult
from faults.rig import Rig
from faults.submitting import Desk
from faults.trial import failed_trial, run_trial
from support.waiting import wait_until

Inject = Callable[[Rig, random.Random], AbstractContextManager[object]]

_MEGABYTE = 1_000_000
# Enough for each server to start; RabbitMQ's alarm limit, set by `rabbitmq_files`, is 200 MB of free space.
_SIZES = {"postgres": "320m", "rabbitmq": "420m"}
_BELOW_THE_LIMIT = 100 * _MEGABYTE
_LASTS_S = (4.0, 8.0)


@contextmanager
def _small_disk(folder: Path, server: str) -> Iterator[None]:
    """Put a server's folder on a small file system.

    Raises:
        PermissionError: this machine doesn't let us mount one.
    """
    target = folder / server
    target.mkdir(mode=0o755)
    options = f"size={_SIZES[server]},mode=0755"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PermissionError(f"a small file system can't be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        wait_until(lambda: _unmounted(target), 20, "the small file system is free again")


def _unmounted(target: Path) -> bool:
    return subprocess.run(["umount", str(target)], capture_output=True, check=False).returncode == 0


def _filling(server: str, *, leave: int = 0) -> Inject:
    """All space but `leave` bytes is taken, and given back in the end."""

    @contextmanager
    def inject(rig: Rig, _rng: random.Random) -> Iterator[None]:
        ballast = rig.folder / server / "ballast"
        try:
            _fill(ballast, leave)
            yield
        finally:
            ballast.unlink(missing_ok=True)

    return inject


@contextmanager
def _exhausting(rig: Rig, rng: random.Random) -> Iterator[None]:
    """RabbitMQ can write nothing; mended as its operator has to: space is made, and the node is started anew.

    The log of its quorum queues crashes on the first write that fails and stays down until the node restarts (seen with
    3.10: `ra_log_wal`, enospc), while the node accepts connections and confirms nothing.
    """
    with _filling("rabbitmq")(rig, rng):
        yield
    rig.rabbitmq.kill()
    rig.rabbitmq.start()


@contextmanager
def _refusing(rig: Rig, rng: random.Random) -> Iterator[None]:
    """PostgreSQL's disk is full, and so are the pages that it had in reserve: clients have been refused."""
    with _filling("postgres")(rig, rng), httpx.Client(base_url=rig.url, timeout=10.0) as client:
        desk = Desk(rig.history, client, "nemesis", rig.agent_token)
        wait_until(lambda: not _posted(desk, rig, rng), 20, "the full disk is noticed")
        refusals = [entry.values.get("status") for entry in rig.history.entries() if entry.kind == "unknown"]
        assert set(refusals) <= {503, None}, f"refused with {refusals}"
        yield


def _posted(desk: Desk, rig: Rig, rng: random.Random) -> bool:
    key = f"{rng.getrandbits(64):x}"
    body = {"content": f"[{rig.history.trial} nemesis {key}] {rng.randbytes(3_000).hex()}"}
    return desk.post(body, key) is not None


def _fill(ballast: Path, leave: int) -> None:
    piece = 64 * _MEGABYTE
    with ballast.open("wb") as file:
        while piece and (free := _free(ballast.parent) - leave) > 0:
            try:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), min(free, piece))
            except OSError:
                piece //= 2  # the server took some of it meanwhile: all or nothing is given


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _run(name: str, server: str, inject: Inject, *, seed: int, folder: Path) -> TrialResult:
    """A trial on a rig of its own, one of whose servers has a small disk."""
    fault = Fault(name, inject, lasts_s=_LASTS_S, budget_s=_BUDGET_S)
    try:
        with _small_disk(folder, server):
            rig = Rig(folder)
            try:
                rig.start()
                return run_trial(rig, Quietness(rig), fault, seed)
            finally:
                rig.stop()
    except PermissionError as error:
        return failed_trial(name, seed, error, None)


def _fault(name: str, server: str, inject: Inject) -> Fault:
    return Fault(
        name,
        inject,
        lasts_s=_LASTS_S,
        budget_s=_BUDGET_S,
        mixes=False,
        own_run=partial(_run, name, server, inject),
    )


# RabbitMQ looks at its disk every ten seconds, so that it notices that late that there is space again.
_BUDGET_S = 45.0

FAULTS = (
    _fault("disk.full.postgres", "postgres", _refusing),
    _fault("disk.full.rabbitmq", "rabbitmq", _exhausting),
    _fault("disk.alarm.rabbitmq", "rabbitmq", _filling("rabbitmq", leave=_BELOW_THE_LIMIT)),
)
