"""The podman program, as far as the tests need it."""

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

PODMAN = "/usr/bin/podman"
# Without systemd nothing runs the health checks; `health.py` does, everywhere, so that both behave alike.
ENVIRONMENT = {"DISABLE_HC_SYSTEMD": "true", "BUILDAH_FORMAT": "docker"}


def podman(*arguments: str, check: bool = True, timeout_s: float = 120) -> str:
    """Run one command; what it printed.

    Raises:
        PodmanError: it failed; with what it said.
    """
    done = subprocess.run(
        [PODMAN, *arguments],
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    if check and done.returncode != 0:
        raise PodmanError(f"podman {' '.join(arguments[:3])}: {done.stderr.strip()}")
    return done.stdout.strip()


class PodmanError(Exception):
    """A podman command failed."""


@dataclass(frozen=True)
class Container:
    """One container of a project."""

    name: str

    @property
    def facts(self) -> dict[str, Any]:
        """What `podman inspect` says."""
        facts: dict[str, Any] = json.loads(podman("container", "inspect", self.name))[0]
        return facts

    @property
    def is_running(self) -> bool:
        return bool(self.facts["State"]["Status"] == "running")

    @property
    def health(self) -> str:
        """`starting`, `healthy`, `unhealthy`, or nothing without a check."""
        return str(self.facts["State"].get("Health", {}).get("Status", ""))

    @property
    def hostname(self) -> str:
        """The host name inside, which a worker registers under."""
        return str(self.facts["Config"]["Hostname"])

    def address(self, network: str) -> str:
        """Its IP address in a network, which changes with every start."""
        networks = self.facts["NetworkSettings"].get("Networks") or {}
        # Out of the network it has none, and nobody answers at port 0 of this machine either.
        return str(networks.get(network, {}).get("IPAddress") or "0.0.0.0")  # noqa: S104 -- to connect to

    def execute(self, *command: str, user: str | None = None, check: bool = True) -> str:
        """Run a command inside; what it printed."""
        as_user = ["--user", user] if user else []
        return podman("exec", *as_user, self.name, *command, check=check)

    def stop(self, grace_s: float) -> None:
        """As `docker compose stop` does: its stop signal, and SIGKILL when the grace is over."""
        podman("stop", "--time", f"{grace_s:.0f}", self.name, timeout_s=grace_s + 60)

    def start(self) -> None:
        """Start it again."""
        podman("start", self.name)

    def logs(self, lines: int = 60) -> str:
        """The end of what it wrote."""
        done = subprocess.run(
            [PODMAN, "logs", "--tail", str(lines), self.name], capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout + done.stderr
