"""What happens to a container: each returns when it is over."""

import os
import signal
import threading

from containers.podman import Container, podman
from support.waiting import wait_until


def killed(container: Container) -> None:
    """Kill its first process, and so all, from outside; `podman kill` would count as a person's stop.

    Raises:
        AssertionError: its restart policy did not bring it back.
    """
    state = container.facts["State"]
    os.kill(state["Pid"], signal.SIGKILL)
    wait_until(lambda: _runs_anew(container, state["Pid"]), 20, f"{container.name} runs again")


def paused(container: Container, for_s: float) -> None:
    """Freeze all its processes."""
    podman("pause", container.name)
    try:
        pass_time(for_s)
    finally:
        podman("unpause", container.name)


def cut_off(container: Container, service: str, network: str, for_s: float) -> None:
    """Take it out of a network: its connections neither end nor carry anything, and its name is unknown."""
    podman("network", "disconnect", network, container.name)
    try:
        pass_time(for_s)
    finally:
        podman("network", "connect", "--alias", service, network, container.name)


def pass_time(seconds: float) -> None:
    """Let the fault last; time is what it consists of, there is no condition to wait for."""
    threading.Event().wait(seconds)


def _runs_anew(container: Container, pid: int) -> bool:
    state = container.facts["State"]
    return state["Status"] == "running" and state["Pid"] not in (0, pid)
