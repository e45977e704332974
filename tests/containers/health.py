"""Running the containers' health checks at their intervals, which Docker does itself and podman leaves to systemd."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from containers.podman import podman

_NANOSECONDS = 1e9
# As Docker's `start_interval`: until it is healthy a container is asked more often.
_WHILE_STARTING_S = 2.0
_TICK_S = 0.5
_AT_ONCE = 4


class HealthChecks:
    """Threads that ask each running container of a project how it is; containers may come and go."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._due: dict[str, float] = {}
        self._asked: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health-checks", daemon=True)
        self.healthy_since: dict[str, float] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, before the containers go."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="health-check") as pool:
            while not self._stopping.wait(_TICK_S):
                for container in self._containers():
                    if self._is_due(container):
                        self._asked.add(container["Name"])
                        pool.submit(self._ask, container["Name"])

    def _containers(self) -> list[dict[str, Any]]:
        names = podman(
            "ps", "--quiet", "--filter", f"label=io.podman.compose.project={self._project}",
            "--filter", "status=running", check=False,
        ).split()  # fmt: skip
        return json.loads(podman("container", "inspect", *names, check=False) or "[]") if names else []

    def _is_due(self, container: dict[str, Any]) -> bool:
        """Whether its interval is over; one that a slow check still asks is left alone."""
        check = container["Config"].get("Healthcheck")
        if not check or check["Test"] == ["NONE"] or container["Name"] in self._asked:
            return False
        now, start = time.monotonic(), f"{container['Name']}@{container['State']['StartedAt']}"
        if self._due.get(start, 0) > now:
            return False
        interval_s = check.get("Interval", 30 * _NANOSECONDS) / _NANOSECONDS
        is_healthy = container["State"].get("Health", {}).get("Status") == "healthy"
        self._due[start] = now + (interval_s if is_healthy else min(interval_s, _WHILE_STARTING_S))
        return True

    def _ask(self, name: str) -> None:
        try:
            podman("healthcheck", "run", name, check=False)
            if podman("inspect", "--format", "{{.State.Health.Status}}", name, check=False) == "healthy":
                self.healthy_since.setdefault(name, time.time())
        finally:
            self._asked.discard(name)
