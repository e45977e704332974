"""Running the containers' health checks at their intervals, which Docker does itself and podman leaves to systemd."""

import json
import threading
import time

from containers.podman import podman

_NANOSECONDS = 1e9
# As Docker's `start_interval`: until it is healthy a container is asked more often.
_WHILE_STARTING_S = 2.0
_TICK_S = 0.5


class HealthChecks:
    """A thread that asks each running container of a project how it is."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._due: dict[str, float] = {}
        self.healthy_since: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health-checks", daemon=True)

    def start(self) -> None:
        """Begin; containers may come and go."""
        self._thread.start()

    def stop(self) -> None:
        """End, before the containers go."""
        self._stopping.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stopping.wait(_TICK_S):
            for container in self._containers():
                self._ask(container)

    def _containers(self) -> list[dict[str, object]]:
        names = podman(
            "ps", "--quiet", "--filter", f"label=io.podman.compose.project={self._project}",
            "--filter", "status=running", check=False,
        ).split()  # fmt: skip
        return json.loads(podman("container", "inspect", *names, check=False) or "[]") if names else []

    def _ask(self, container: dict[str, object]) -> None:
        check = container["Config"].get("Healthcheck")  # type: ignore[attr-defined] # JSON
        state = container["State"].get("Health", {}).get("Status")  # type: ignore[attr-defined] # JSON
        now = time.monotonic()
        name = f"{container['Name']}@{container['State']['StartedAt']}"  # type: ignore[index] # JSON
        if not check or check["Test"] == ["NONE"] or self._due.get(name, 0) > now:
            return
        interval_s = check.get("Interval", 30 * _NANOSECONDS) / _NANOSECONDS
        self._due[name] = now + (interval_s if state == "healthy" else min(interval_s, _WHILE_STARTING_S))
        podman("healthcheck", "run", str(container["Name"]), check=False)
        self._note(str(container["Name"]))

    def _note(self, name: str) -> None:
        said = podman("inspect", "--format", "{{.State.Health.Status}}", name, check=False)
        if said == "healthy":
            self.healthy_since.setdefault(name, time.time())
