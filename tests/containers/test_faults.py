"""Containers die, hang and are cut off under load: nothing is lost, nothing is answered twice."""

from collections.abc import Callable

import pytest

from containers.database import held_by
from containers.harm import cut_off, killed, paused
from containers.system import System
from containers.trial import under_load
from support.waiting import wait_until

# Longer than a lease (20 s) and a sweep: another worker must have taken its jobs.
_PAST_LEASE_S = 23.0
_A_WHILE_S = 10.0
SERVICES = ("rag-worker", "rabbitmq", "postgres", "api")


@pytest.mark.parametrize("service", [*SERVICES, "sweeper"])
def test_a_killed_container_loses_nothing_and_comes_back(system: System, service: str) -> None:
    """SIGKILL to all of a container's processes: its restart policy brings it back, every message is answered once."""
    container = system.project.container(service)
    restarts = container.facts["RestartCount"]
    under_load(system, f"{service} killed", _at_work(system, service, lambda: killed(container)))
    assert container.facts["RestartCount"] == restarts + 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_frozen_container_loses_nothing(system: System, service: str) -> None:
    """A container stands still, a worker for longer than its lease: every message is answered once."""
    for_s = _PAST_LEASE_S if service == "rag-worker" else _A_WHILE_S
    harm = _at_work(system, service, lambda: paused(system.project.container(service), for_s))
    under_load(system, f"{service} paused {for_s:.0f} s", harm)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_that_is_cut_off_loses_nothing(system: System, service: str) -> None:
    """A container loses the network of the data, a worker for longer than its lease: each message is answered once."""
    for_s = _PAST_LEASE_S if service == "rag-worker" else _A_WHILE_S
    network = system.project.network("data")
    harm = _at_work(system, service, lambda: cut_off(system.project.container(service), service, network, for_s))
    under_load(system, f"{service} cut off {for_s:.0f} s", harm)


def _at_work(system: System, service: str, harm: Callable[[], None]) -> Callable[[], None]:
    """Harm a worker while it holds a job, anything else at once."""

    def act() -> None:
        if service == "rag-worker":
            worker = system.project.container(service).hostname
            wait_until(lambda: held_by(system.engine, worker), 60, "the worker holds a job")
        harm()

    return act
