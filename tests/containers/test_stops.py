"""Told to stop, each service ends by itself within its `stop_grace_period`, with status 0."""

import time

import pytest

from containers.database import held_by, lost_and_duplicated, transitions
from containers.podman import Container
from containers.system import System
from support.soundness import unfinished
from support.waiting import wait_until

SERVICES = ("api", "rag-worker", "sweeper", "monitor")


def _stop(system: System, service: str) -> float:
    """As `docker compose stop` does, with the file's grace; the seconds it took."""
    started = time.monotonic()
    system.project.compose("stop", service)
    return time.monotonic() - started


def _exit_code(container: Container) -> int:
    return int(container.facts["State"]["ExitCode"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_ends_in_order(system: System, service: str) -> None:
    """SIGTERM ends it by itself, long before the grace is over."""
    wait_until(system.is_whole, 90, "every container is well")
    took_s = _stop(system, service)
    codes = {_exit_code(container) for container in system.project.containers(service)}
    system.project.compose("start", service)
    assert codes == {0}
    assert took_s < system.project.grace_s(service)


def test_a_worker_that_stops_finishes_its_answers(system: System) -> None:
    """SIGTERM in the middle of generation: the answers that run are given, none is handed back, the status is 0."""
    wait_until(system.is_whole, 90, "every container is well")
    leaving = system.project.container("rag-worker")
    grace_s = system.project.grace_s("rag-worker")
    handed_back = transitions(system.engine, "hand_back")
    with system.model(first_token_delay_s=6.0):
        accepted = _questions(system, 12)
        wait_until(lambda: held_by(system.engine, leaving.hostname) >= 1, 30, "it generates")
        started = time.monotonic()
        leaving.stop(grace_s)
        took_s = time.monotonic() - started
        assert _exit_code(leaving) == 0
        assert took_s < grace_s
    leaving.start()
    wait_until(lambda: unfinished(system.engine) == 0, 60, "all answered")
    assert transitions(system.engine, "hand_back") == handed_back
    assert lost_and_duplicated(system.engine, accepted) == (0, 0)


@pytest.mark.timeout(400)
def test_a_worker_that_cannot_finish_hands_back(system: System) -> None:
    """Answers outlast its drain time, alive: it hands them to the others, still within the grace, with status 0."""
    wait_until(system.is_whole, 90, "every container is well")
    leaving = system.project.container("rag-worker")
    grace_s = system.project.grace_s("rag-worker")
    handed_back = transitions(system.engine, "hand_back")
    with system.model(first_token_delay_s=100.0, token_delay_s=100.0):
        accepted = _questions(system, 12)
        wait_until(lambda: held_by(system.engine, leaving.hostname) >= 1, 30, "it generates")
        leaving.stop(grace_s)
        _restart(system.project.container("ollama"))  # else the answers of the others last for many minutes
    assert _exit_code(leaving) == 0
    assert transitions(system.engine, "hand_back") > handed_back
    leaving.start()
    wait_until(lambda: unfinished(system.engine) == 0, 90, "all answered")
    assert lost_and_duplicated(system.engine, accepted) == (0, 0)


def _restart(container: Container) -> None:
    container.stop(5)
    container.start()
    wait_until(lambda: container.health in ("", "healthy"), 60, f"{container.name} is well")


def _questions(system: System, count: int) -> list[str]:
    system.history.begin("stop")
    load = system.load()
    load.start()
    wait_until(lambda: len(load.accepted) >= count, 60, "messages are accepted")
    load.stop()
    return load.accepted
