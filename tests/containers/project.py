"""One run of docker-compose.yml under a name of its own, which leaves nothing behind."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from containers.health import HealthChecks
from containers.podman import ENVIRONMENT, Container, podman
from relais_cli.parts.ports import free_port

ROOT = Path(__file__).parents[2]
_COMPOSE = Path(sys.executable).with_name("podman-compose")
_PODMAN = Path(__file__).with_name("podman-for-compose")
# The build reaches the package registries as this machine does, behind a proxy with an authority of its own too.
_BUILD = "--podman-build-args=--network host --volume /etc/ssl/certs:/etc/ssl/certs:ro --quiet"
_KEPT = ("PATH", "HOME", "LANG", "TERM", "TMPDIR")


def secret_names() -> list[str]:
    """What .env.example leaves empty."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return [line.removesuffix("=") for line in lines if line.endswith("=") and not line.startswith("#")]


@dataclass
class Project:
    """The containers, networks and volumes of one `docker compose up`."""

    folder: Path
    settings: Mapping[str, str]
    name: str = field(default_factory=lambda: f"relais-test-{secrets.token_hex(4)}")
    api_port: int = field(default_factory=free_port)
    monitor_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        """Write the .env with fresh secrets."""
        self.secrets = {name: secrets.token_hex(16) for name in secret_names()}
        published = {
            "API_PUBLISH": f"127.0.0.1:{self.api_port}",
            "MONITOR_PUBLISH": f"127.0.0.1:{self.monitor_port}",
        }
        self.env_file = self.folder / ".env"
        self.env_file.touch(mode=0o600)
        values = self.secrets | published | dict(self.settings)
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        self.health = HealthChecks(self.name)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def monitor_url(self) -> str:
        return f"http://127.0.0.1:{self.monitor_port}"

    @property
    def admin(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets['RELAIS_ADMIN_KEY']}"}

    def compose(self, *arguments: str, timeout_s: float = 300) -> str:
        """Run podman-compose on the file; what it printed.

        Raises:
            AssertionError: it failed; with what it said.
        """
        options = ["--podman-path", str(_PODMAN), "--in-pod", "false", "--project-name", self.name, _BUILD]
        files = ["--env-file", str(self.env_file), "--file", str(ROOT / "docker-compose.yml")]
        done = subprocess.run(
            [str(_COMPOSE), *options, *files, *arguments],
            env={name: os.environ[name] for name in _KEPT if name in os.environ} | ENVIRONMENT,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        assert done.returncode == 0, f"podman-compose {arguments}: {(done.stdout + done.stderr)[-4000:]}"
        return done.stdout + done.stderr

    def up(self, *arguments: str) -> None:
        """Create and start everything, in the order of the file."""
        self.compose("up", "--detach", "--no-build", *arguments)

    def down(self) -> None:
        """Remove containers, networks and volumes, whatever state they are in."""
        self.health.stop()
        label = f"label=io.podman.compose.project={self.name}"
        for container in podman("ps", "--all", "--quiet", "--filter", label, check=False).split():
            podman("unpause", container, check=False)
            podman("rm", "--force", "--time", "0", "--volumes", container, check=False)
        for volume in podman("volume", "ls", "--quiet", "--filter", label, check=False).split():
            podman("volume", "rm", "--force", volume, check=False)
        for network in podman("network", "ls", "--quiet", "--filter", label, check=False).split():
            podman("network", "rm", "--force", network, check=False)

    def network(self, name: str) -> str:
        """The full name of a network."""
        return f"{self.name}_{name}"

    def container(self, service: str, number: int = 1) -> Container:
        """One container of a service."""
        return Container(f"{self.name}_{service}_{number}")

    def containers(self, service: str) -> list[Container]:
        """All of a service's, by number."""
        labels = [f"io.podman.compose.project={self.name}", f"io.podman.compose.service={service}"]
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        return [Container(name) for name in sorted(podman("ps", "--all", "--format", "{{.Names}}", *filters).split())]

    def grace_s(self, service: str) -> float:
        """The `stop_grace_period` of a service."""
        described = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]
        return float(described["stop_grace_period"].removesuffix("s"))

    def is_ready(self) -> bool:
        """Whether the API says so."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False
