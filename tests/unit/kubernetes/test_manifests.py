"""What the manifests of infra/kubernetes have in common with the settings, the images and docker-compose.yml."""

import re
from typing import Any

import pytest
import yaml

from relais.settings import DatabaseSettings, RelaisSettings
from relais_api.settings import ApiSettings
from relais_monitor.settings import MonitorSettings
from relais_worker.settings import SweeperSettings, WorkerSettings
from support.manifests import (
    FOLDER,
    ROOT,
    Manifest,
    container,
    kustomizations,
    of_kind,
    pod,
    secrets,
    settings,
)

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS: dict[str, type[RelaisSettings]] = {
    "migrate": DatabaseSettings,
    "api": ApiSettings,
    "rag-worker": WorkerSettings,
    "sweeper": SweeperSettings,
    "monitor": MonitorSettings,
}
WORKLOADS = of_kind("Deployment", "Job")
SERVERS = {"api": "RELAIS_API_PORT", "monitor": "RELAIS_MONITOR_PORT"}
SECRET = re.compile(r"PASSWORD|KEY|TOKEN|SECRET|DATABASE_URL|BROKER_URL|SMTP_URL|WEBHOOK_URL")


def _variables(kind: type[RelaisSettings]) -> set[str]:
    return {f"RELAIS_{name.upper()}" for name in kind.model_fields}


def _seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def _dockerfile(name: str) -> str:
    return (ROOT / COMPOSE[name]["build"]["dockerfile"]).read_text()


@pytest.mark.parametrize("folder", kustomizations())
def test_a_kustomization_names_every_file_of_its_folder(folder: str) -> None:
    """Nothing that lies there is forgotten, and nothing that it names is missing."""
    named = set(kustomizations()[folder]["resources"])
    there = {path.name for path in (FOLDER / folder).glob("*.yaml")} - {"kustomization.yaml"}
    assert {name for name in named if not name.startswith("../")} == there
    assert all((FOLDER / folder / name).exists() for name in named)


def test_every_service_of_compose_is_there() -> None:
    """The two ways to run Relais have the same services."""
    assert set(WORKLOADS) == set(OURS)
    assert set(OURS) <= set(COMPOSE)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_of_its_service(name: str) -> None:
    """A misspelt variable would be ignored at boot, so it must be caught here."""
    given = set(settings(WORKLOADS[name])) | {variable for variable, _ in secrets(WORKLOADS[name])}
    assert given <= _variables(OURS[name])


@pytest.mark.parametrize("name", OURS)
def test_every_required_setting_is_given(name: str) -> None:
    """A service that starts from these files and their secrets needs no further variable."""
    required = {f"RELAIS_{key.upper()}" for key, field in OURS[name].model_fields.items() if field.is_required()}
    needed = {variable for variable, reference in secrets(WORKLOADS[name]) if not reference.get("optional")}
    assert required <= set(settings(WORKLOADS[name])) | needed


@pytest.mark.parametrize("name", OURS)
def test_secrets_are_only_referenced(name: str) -> None:
    """What is secret comes from the service's own Secret, under its own name; the files hold none."""
    assert [key for key in settings(WORKLOADS[name]) if SECRET.search(key)] == []
    for variable, reference in secrets(WORKLOADS[name]):
        assert reference["name"] == f"relais-{name.removeprefix('rag-')}"
        assert reference["key"] == variable
    assert of_kind("Secret") == {}


def test_every_secret_is_documented() -> None:
    """Who makes the Secrets finds each with its keys in docs/kubernetes.md."""
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    for workload in WORKLOADS.values():
        for variable, reference in secrets(workload):
            assert re.search(rf"^\| `{reference['name']}` \|.*`{variable}`", text, re.MULTILINE), (reference, variable)


@pytest.mark.parametrize("name", OURS)
def test_images_and_commands_are_those_of_compose(name: str) -> None:
    """The same image runs the same program, and the kustomization can set its version."""
    found, wanted = container(WORKLOADS[name]), COMPOSE[name]
    assert found["image"] == wanted["image"]
    assert found.get("command") == wanted.get("command")
    folder = "migrate" if name == "migrate" else "services"
    assert found["image"] in {image["name"] for image in kustomizations()[folder]["images"]}


@pytest.mark.parametrize("name", SERVERS)
def test_ports_are_those_of_the_images(name: str) -> None:
    """Container, Service, probes and settings agree on the port that the image exposes."""
    (exposed,) = re.findall(r"^EXPOSE (\d+)$", _dockerfile(name), re.MULTILINE)
    (port,) = container(WORKLOADS[name])["ports"]
    (served,) = of_kind("Service")[name]["spec"]["ports"]
    assert [port["containerPort"], served["port"]] == [int(exposed)] * 2
    assert served["targetPort"] == port["name"]
    probes = [value for key, value in container(WORKLOADS[name]).items() if key.endswith("Probe")]
    assert {probe["httpGet"]["port"] for probe in probes} == {port["name"]}
    assert OURS[name].model_fields[SERVERS[name].removeprefix("RELAIS_").lower()].default == int(exposed)


@pytest.mark.parametrize("name", SERVERS)
def test_a_service_selects_its_pods(name: str) -> None:
    """Labels and selectors agree, for the Service and the Deployment."""
    labels = WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
    for selector in (of_kind("Service")[name]["spec"]["selector"], WORKLOADS[name]["spec"]["selector"]["matchLabels"]):
        assert selector.items() <= labels.items()


@pytest.mark.parametrize("name", [name for name in OURS if name != "migrate"])
def test_a_stop_has_the_time_it_has_with_compose(name: str) -> None:
    """SIGKILL comes when docker-compose.yml lets it come; a pause before SIGTERM and the drain fit within."""
    grace_s = pod(WORKLOADS[name])["terminationGracePeriodSeconds"]
    assert grace_s == _seconds(COMPOSE[name]["stop_grace_period"])
    pause_s = container(WORKLOADS[name]).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    given = settings(WORKLOADS[name])
    drain_s = float(given.get("RELAIS_DRAIN_TIMEOUT_S") or given.get("RELAIS_API_DRAIN_S") or 0)
    assert grace_s >= pause_s + drain_s + 10


@pytest.mark.parametrize("name", OURS)
def test_a_pod_has_no_privileges(name: str) -> None:
    """No root, no capability, no writable disk but a temporary folder and the monitor's own, no key to the cluster."""
    described, inner = pod(WORKLOADS[name]), container(WORKLOADS[name])
    assert described["automountServiceAccountToken"] is False
    assert described["securityContext"]["runAsNonRoot"] is True
    assert described["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert f"USER {described['securityContext']['runAsUser']}\n" in _dockerfile(name)
    assert inner["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    homes = [value for key, value in settings(WORKLOADS[name]).items() if key == "RELAIS_MONITOR_HOME"]
    assert [mount["mountPath"] for mount in inner["volumeMounts"]] == ["/tmp", *homes]  # noqa: S108 -- the container's own


@pytest.mark.parametrize("name", OURS)
def test_the_cluster_sets_no_variable_of_ours(name: str) -> None:
    """Service links would make RELAIS_API_PORT an address if somebody names the Service `relais-api`."""
    assert pod(WORKLOADS[name])["enableServiceLinks"] is False


@pytest.mark.parametrize("name", OURS)
def test_every_container_is_limited(name: str) -> None:
    """Each asks for what it needs, and gets no more than docker-compose.yml gives it."""
    resources = container(WORKLOADS[name])["resources"]
    limits = COMPOSE[name]["deploy"]["resources"]["limits"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert resources["limits"]["memory"] == limits["memory"].replace("m", "Mi").replace("g", "Gi")
    assert _cores(resources["limits"]["cpu"]) == float(limits["cpus"])


@pytest.mark.parametrize("name", [name for name in OURS if name != "migrate"])
def test_a_service_is_watched_as_its_image_is(name: str) -> None:
    """Those whose image has a health check have probes; the sweeper has neither, and says why."""
    probes = [key for key in container(WORKLOADS[name]) if key.endswith("Probe")]
    assert probes == ([] if name == "sweeper" else ["startupProbe", *_in_order(WORKLOADS[name])])
    assert COMPOSE[name].get("healthcheck") == ({"disable": True} if name == "sweeper" else None)


def test_the_scaling_counts_with_the_slots_and_connections_there_are() -> None:
    """The threshold is two jobs per slot of one worker; PostgreSQL's 100 connections suffice for all of them."""
    (scaling,) = of_kind("ScaledObject").values()
    threads = int(settings(WORKLOADS["rag-worker"])["RELAIS_WORKER_THREADS"])
    (backlog,) = [trigger for trigger in scaling["spec"]["triggers"] if trigger["name"] == "backlog"]
    assert float(backlog["metadata"]["threshold"]) == 2 * threads
    assert scaling["spec"]["scaleTargetRef"]["name"] == "rag-worker"
    pool = ApiSettings.model_fields["api_pool_size"].default
    apis = WORKLOADS["api"]["spec"]["replicas"] + 1  # one more during an update
    workers = scaling["spec"]["maxReplicaCount"] + 1
    assert workers * (threads + 2) + apis * pool + 2 + 5 < 100


def test_nobody_but_the_scaling_sets_the_number_of_workers() -> None:
    """The patch takes away what is there; else each `kubectl apply` would set the number back."""
    (patch,) = kustomizations()["keda"]["patches"]
    assert patch["target"] == {"kind": "Deployment", "name": "rag-worker"}
    assert yaml.safe_load(patch["patch"]) == [{"op": "remove", "path": "/spec/replicas"}]
    assert "replicas" in WORKLOADS["rag-worker"]["spec"]


def test_prometheus_is_told_of_every_monitor_apart() -> None:
    """Several pods behind one address would look like one whose counters go back and forth."""
    service = of_kind("Service")["monitor-pods"]["spec"]
    assert service["clusterIP"] == "None"
    assert service["selector"] == of_kind("Service")["monitor"]["spec"]["selector"]
    assert service["ports"] == of_kind("Service")["monitor"]["spec"]["ports"]
    (namespace,) = of_kind("Namespace")
    found = f"{{ names: [monitor-pods.{namespace}], type: A, port: {service['ports'][0]['port']} }}"
    for path in ("docs/kubernetes.md", "infra/prometheus/prometheus.yml"):
        text = (ROOT / path).read_text()
        assert found in text, path
        assert f"monitor.{namespace}:" not in text, path


def _cores(quantity: str) -> float:
    return float(quantity.removesuffix("m")) / (1000 if quantity.endswith("m") else 1)


def _in_order(workload: Manifest) -> list[str]:
    return [key for key in container(workload) if key in ("livenessProbe", "readinessProbe")]
