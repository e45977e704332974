"""Faults of a machine's clock: a process lives an hour ahead of the others, or behind; leases are on the database's.

Only the time of day is shifted, as by a wrong clock; the monotonic clock goes on, as it does then.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from faults.fault import Fault
from faults.rig import Rig
from support.stack import Service
from support.waiting import wait_until

Inject = Callable[[Rig, random.Random], AbstractContextManager[object]]
Choose = Callable[[Rig, random.Random], Service]

_RESTART_S = 10.0


def _library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "the faults of the clock need libfaketime (Debian: apt-get install libfaketime)"
    return found[0]


def _off(choose: Choose, offset: str) -> Inject:
    """Restart a service with its clock off by `offset`, such as `+3600`; afterwards with the true one."""

    @contextmanager
    def inject(rig: Rig, rng: random.Random) -> Iterator[None]:
        service = choose(rig, rng)
        shifted = {"LD_PRELOAD": str(_library()), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        honest = {name: value for name, value in service.env.items() if name not in shifted}
        _restart(rig, service, honest | shifted)
        try:
            rig.wait_ready()
            yield
        finally:
            _restart(rig, service, honest)

    return inject


def _restart(rig: Rig, service: Service, env: Mapping[str, str]) -> None:
    service.env = env
    died = service.popen.pid
    rig.kill(service)
    wait_until(lambda: service.popen.pid != died, _RESTART_S, f"{service.module} is started again")


def _any_worker(rig: Rig, rng: random.Random) -> Service:
    return rng.choice(rig.workers)


FAULTS: tuple[Fault, ...] = tuple(
    Fault(f"clock.{name}.an_hour_{way}", _off(choose, offset), lasts_s=(1.0, 2.0), mixes=name == "worker")
    for name, choose in {
        "worker": _any_worker,
        "sweeper": lambda rig, _rng: rig.sweeper,
    }.items()
    for way, offset in {"ahead": "+3600", "behind": "-3600"}.items()
)
