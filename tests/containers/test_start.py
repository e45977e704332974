"""What `docker compose up` makes of docker-compose.yml: the order of the start, health, scale, and what is closed."""

from datetime import datetime

import httpx
import pytest

from containers.podman import Container
from containers.project import Project
from containers.system import System
from support.waiting import wait_until

OURS = ("api", "rag-worker", "sweeper", "monitor")
SERVERS = ("postgres", "rabbitmq", "qdrant", "ollama")


def _started(container: Container) -> datetime:
    return datetime.fromisoformat(container.facts["State"]["StartedAt"][:26].rstrip("Z"))


def _finished(container: Container) -> datetime:
    return datetime.fromisoformat(container.facts["State"]["FinishedAt"][:26].rstrip("Z"))


def test_every_container_becomes_healthy(system: System) -> None:
    """All that run at all say that they are well, within a minute of the start."""
    wait_until(system.is_whole, 60, "every container runs and is healthy")


def test_the_schema_is_made_once_the_database_is_there_and_before_anyone_uses_it(project: Project) -> None:
    """`migrate` starts after PostgreSQL was healthy, ends with 0, and only then do the services start."""
    migrate = project.container("migrate")
    assert migrate.facts["State"]["ExitCode"] == 0
    assert project.health.healthy_since[project.container("postgres").name] <= _started(migrate).timestamp()
    for service in OURS:
        assert all(_finished(migrate) <= _started(container) for container in project.containers(service))


def test_the_workers_wait_for_the_index(project: Project) -> None:
    """No worker starts before Qdrant is healthy: its first act would fail."""
    since = project.health.healthy_since[project.container("qdrant").name]
    assert all(since <= _started(worker).timestamp() for worker in project.containers("rag-worker"))


def test_the_worker_is_scaled_to_three(system: System) -> None:
    """`--scale rag-worker=3`: three containers, and the monitor sees three workers alive."""
    assert len(system.project.containers("rag-worker")) == 3

    def alive() -> bool:
        metrics = httpx.get(f"{system.project.monitor_url}/metrics", timeout=5).text
        return 'relais_workers{state="alive"} 3.0' in metrics

    wait_until(alive, 30, "the monitor counts three workers")


@pytest.mark.parametrize("service", OURS)
def test_a_service_runs_without_any_privilege(project: Project, service: str) -> None:
    """Uid 10001, no capability now or ever, no new privileges, a filter of system calls."""
    status = project.container(service).execute("cat", "/proc/1/status")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert set(fields["Uid"].split()) == {"10001"}
    assert {fields[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert fields["NoNewPrivs"].strip() == "1"
    assert fields["Seccomp"].strip() == "2"


@pytest.mark.parametrize("service", OURS)
def test_a_service_can_write_nothing_but_its_temporary_folder(project: Project, service: str) -> None:
    """The root is read-only for root too; only /tmp, which is memory, takes files."""
    container = project.container(service)
    container.execute("touch", "/tmp/probe")  # noqa: S108 -- the container's
    for folder in ("/", "/opt/relais", "/etc", "/var"):
        said = container.execute("sh", "-c", f"touch {folder}/probe 2>&1 || true", user="0")
        assert "Read-only file system" in said, f"{folder}: {said}"


@pytest.mark.parametrize("service", OURS)
def test_an_image_has_no_installer_and_no_sources(project: Project, service: str) -> None:
    """What builds an image stays out of it."""
    container = project.container(service)
    for path in ("/tools", "/build", "/wheels", "/opt/relais/bin/pip", "/opt/relais/bin/uv"):
        assert container.execute("sh", "-c", f"test -e {path} && echo there || true") == "", path


@pytest.mark.parametrize("service", [*OURS, *SERVERS])
def test_every_container_is_limited(project: Project, service: str) -> None:
    """One that runs wild takes neither the host's memory nor its processors; its log is bounded."""
    host = project.container(service).facts["HostConfig"]
    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert host["LogConfig"]["Size"] == "20MB"


@pytest.mark.parametrize("service", ["postgres", "rabbitmq", "qdrant", "rag-worker", "sweeper"])
def test_the_network_of_the_data_leads_nowhere(project: Project, service: str) -> None:
    """No way out, not even a route, and nothing is published: the host's other interfaces don't offer it."""
    container = project.container(service)
    routes = container.execute("cat", "/proc/net/route").splitlines()[1:]
    assert [route for route in routes if route.split()[1] == "00000000"] == []
    assert not container.facts["HostConfig"]["PortBindings"]


@pytest.mark.parametrize("service", ["api", "monitor"])
def test_what_is_published_is_published_on_loopback_only(project: Project, service: str) -> None:
    """Whoever wants more sets API_PUBLISH or MONITOR_PUBLISH, and knows it."""
    [[binding]] = project.container(service).facts["HostConfig"]["PortBindings"].values()
    assert binding["HostIp"] == "127.0.0.1"
