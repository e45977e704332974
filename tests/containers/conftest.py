"""Fixtures: docker-compose.yml on podman, brought up once for all tests, and taken down whatever happens."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from containers.database import superuser_engine
from containers.podman import podman
from containers.project import Project
from containers.report import table
from containers.system import System
from faults.history import History
from support.waiting import wait_until

_IMAGES = ("POSTGRES", "RABBITMQ", "QDRANT", "OLLAMA")
_WORKERS = 3
_TABLE = pytest.StashKey[list[str]]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only who asks for this folder gets it: it needs root, podman and ten minutes."""
    asked = any("tests/containers" in str(argument) for argument in config.args)
    return None if asked else True


def pytest_sessionstart() -> None:
    """SIGTERM ends the run as Ctrl-C does, also in the background: with everything taken down."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of the faults."""
    lines = config.stash.get(_TABLE, [])
    if lines:
        terminalreporter.section("faults of containers")
        terminalreporter.write("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """The images of third parties, by the variables of docker-compose.yml; `make test-containers` gives them."""
    missing = [name for name in (*(f"{image}_IMAGE" for image in _IMAGES), "BASE_IMAGE") if not os.environ.get(name)]
    assert not missing, f"{', '.join(missing)} not set: run the tests by `make test-containers`"
    return {f"{name}_IMAGE": os.environ[f"{name}_IMAGE"] for name in _IMAGES}


@pytest.fixture(scope="session")
def built(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """The service images, made from docker-compose.yml by podman-compose."""
    project = Project(tmp_path_factory.mktemp("build"), images)
    project.compose("build", "--build-arg", f"BASE_IMAGE={os.environ['BASE_IMAGE']}", timeout_s=900)


@pytest.fixture(scope="session")
def project(built: None, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The containers of docker-compose.yml, with three workers."""
    cores = str(os.cpu_count() or 1)
    project = Project(tmp_path_factory.mktemp("project"), images | {"OLLAMA_CPUS": cores})
    project.health.start()
    try:
        project.up("--scale", f"rag-worker={_WORKERS}")
        yield project
    finally:
        project.down()


@pytest.fixture(scope="session")
def system(project: Project, pytestconfig: pytest.Config) -> Iterator[System]:
    """The project, ready, with an agent that answers without documents."""
    wait_until(project.is_ready, 60, "the API is ready")
    body = {
        "slug": "agent", "name": "Agent", "chat_model": "extractive", "embedding_model": "lexical",
        "allow_ungrounded": True, "retry_backoff_s": 1, "max_attempts": 10,
    }  # fmt: skip
    made = httpx.post(f"{project.url}/api/agents", json=body, headers=project.admin, timeout=10)
    assert made.status_code == 201, made.text
    history = History(project.folder / "history.jsonl")
    system = System(project, superuser_engine(project), str(made.json()["token"]), history)
    yield system
    history.close()
    system.engine.dispose()
    if system.rows:
        pytestconfig.stash[_TABLE] = table(system.rows)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show the containers' last lines with a failure."""
    report = yield
    project = getattr(item, "funcargs", {}).get("project") or getattr(
        getattr(item, "funcargs", {}).get("system"), "project", None
    )
    if report.failed and project is not None:
        names = podman("ps", "--all", "--format", "{{.Names}} {{.Status}}", check=False)
        logs = [
            f"--- {container.name}\n{container.logs(15)}"
            for service in ("api", "rag-worker", "sweeper", "migrate", "postgres", "rabbitmq")
            for container in project.containers(service)
        ]
        report.sections.append(("containers", names + "\n" + "\n".join(logs)))
    return report
