"""What docker-compose.yml promises to whoever runs it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from relais.settings import DatabaseSettings, RelaisSettings
from relais_api.settings import ApiSettings
from relais_monitor.settings import MonitorSettings
from relais_worker.settings import SweeperSettings, WorkerSettings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = (ROOT / ".env.example").read_text()
OURS: dict[str, type[RelaisSettings]] = {
    "migrate": DatabaseSettings,
    "api": ApiSettings,
    "rag-worker": WorkerSettings,
    "sweeper": SweeperSettings,
    "monitor": MonitorSettings,
}
SECRET = re.compile(r"PASSWORD|KEY|TOKEN|SECRET")
OPTIONAL = {"RELAIS_ALERT_WEBHOOK_SECRET"}  # a secret of something that is off unless it is set


def _variables(settings: type[RelaisSettings]) -> set[str]:
    return {f"RELAIS_{name.upper()}" for name in settings.model_fields}


def _seconds(duration: str) -> int:
    assert duration.endswith("s")
    return int(duration.removesuffix("s"))


def _dockerfile(name: str) -> str:
    return (ROOT / SERVICES[name]["build"]["dockerfile"]).read_text()


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_of_its_service(name: str) -> None:
    """A misspelt variable would be ignored at boot, so it must be caught here; the images' own ones too."""
    in_image = set(re.findall(r"(RELAIS_[A-Z_]+)=", _dockerfile(name)))
    given = set(SERVICES[name]["environment"])
    assert given <= _variables(OURS[name])
    assert in_image <= _variables(ApiSettings) | _variables(WorkerSettings) | _variables(MonitorSettings)


@pytest.mark.parametrize("name", OURS)
def test_every_required_setting_is_given(name: str) -> None:
    """A service that starts from this file needs no further variable."""
    required = {f"RELAIS_{key.upper()}" for key, field in OURS[name].model_fields.items() if field.is_required()}
    assert required <= set(SERVICES[name]["environment"])


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_has_a_default(name: str) -> None:
    """Every secret comes from .env, and compose stops with the name of a required one that isn't there."""
    for key, value in SERVICES[name].get("environment", {}).items():
        names = re.findall(r"\$\{([A-Z_]+)([^}]*)\}", str(value))
        for variable, rest in names:
            if SECRET.search(variable):
                assert rest == (":-" if variable in OPTIONAL else f":?set {variable} in .env")
        if SECRET.search(key):
            assert names, f"{key} is written down"
        if "://" in str(value) and "@" in str(value):
            assert re.search(r"://[a-z_]+:\$\{[A-Z_]+:\?", value), f"{key} has its password written down"


def test_the_example_lists_every_variable_with_a_description() -> None:
    """Who copies .env.example sees all there is to set, and what each does."""
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    lines = EXAMPLE.splitlines()
    listed = {match[1]: number for number, line in enumerate(lines) if (match := re.match(r"#?([A-Z_]+)=", line))}
    assert set(listed) == used
    assert all(lines[number - 1].startswith("# ") for number in listed.values())


def test_the_example_holds_no_secret_and_no_other_default() -> None:
    """Secrets are left empty; what is optional shows the default that compose has."""
    compose = (ROOT / "docker-compose.yml").read_text()
    for optional, variable, value in re.findall(r"^(#?)([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE):
        assert bool(optional) != bool(SECRET.search(variable) and variable not in OPTIONAL)
        assert value == "" if not optional else f"${{{variable}:-{value}}}" in compose


@pytest.mark.parametrize(("name", "setting"), [("rag-worker", "RELAIS_DRAIN_TIMEOUT_S"), ("api", "RELAIS_API_DRAIN_S")])
def test_a_stop_waits_longer_than_the_drain(name: str, setting: str) -> None:
    """Docker's SIGKILL comes after the service handed back what it couldn't finish."""
    drain_s = float(SERVICES[name]["environment"][setting])
    assert _seconds(SERVICES[name]["stop_grace_period"]) >= drain_s + 10


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_limited_watched_and_started_anew(name: str) -> None:
    """Each has limits, a restart policy, and a health check or a reason to have none."""
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert limits["cpus"]
    assert limits["memory"]
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert "healthcheck" in service or "HEALTHCHECK" in _dockerfile(name)


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_privileges(name: str) -> None:
    """No root, no capability, no writable disk but a temporary folder."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.search(r"^USER 10001$", _dockerfile(name), re.MULTILINE)


def test_data_survives_and_is_reachable_by_the_services_alone() -> None:
    """Every server has a named volume and no published port; their network leads nowhere else."""
    for name in ("postgres", "rabbitmq", "qdrant", "ollama"):
        volumes = {volume.partition(":")[0] for volume in SERVICES[name]["volumes"]}
        assert volumes & set(COMPOSE["volumes"])
        assert "ports" not in SERVICES[name]
    assert COMPOSE["networks"]["data"]["internal"] is True


def test_the_worker_can_be_scaled() -> None:
    """Nothing in it can exist only once: no fixed name, no published port, no volume."""
    assert not {"container_name", "ports", "volumes", "hostname"} & set(SERVICES["rag-worker"])


@pytest.mark.parametrize("path", sorted(ROOT.glob("services/*/Dockerfile")), ids=lambda path: path.parent.name)
def test_an_image_holds_only_what_the_lock_pins(path: Path) -> None:
    """Every install is checked by hash against a lock file that is there; the base image can be replaced."""
    text = path.read_text()
    assert text.count("ARG BASE_IMAGE=") == 1
    locks = re.findall(r"-r (requirements/\S+)", text)
    assert locks
    assert all((ROOT / lock).exists() for lock in locks)
    assert text.count("--require-hashes") == len(locks)


def test_the_monitoring_is_asked_for_and_offered_to_this_host_alone() -> None:
    """Who doesn't ask for it gets none of it; what it offers needs no password, so nobody else may reach it."""
    monitoring = {name for name, service in SERVICES.items() if "profiles" in service}
    assert monitoring == {"prometheus", "alertmanager", "grafana"}
    for name in monitoring:
        assert SERVICES[name]["profiles"] == ["monitoring"]
        (port,) = SERVICES[name]["ports"]
        assert re.fullmatch(r"\$\{[A-Z]+_PUBLISH:-127\.0\.0\.1:(\d+)\}:\1", port)
    assert not any(monitoring & set(SERVICES[name].get("depends_on", {})) for name in OURS)


@pytest.mark.parametrize("name", SERVICES)
def test_every_file_that_is_mounted_exists(name: str) -> None:
    """Docker would make an empty folder of a file that isn't there."""
    mounted = [volume.split(":")[0] for volume in SERVICES[name].get("volumes", []) if volume.startswith("./")]
    assert [path for path in mounted if not (ROOT / path).exists()] == []
    assert all(volume.endswith(":ro") for volume in SERVICES[name].get("volumes", []) if volume.startswith("./"))
