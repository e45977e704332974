"""The manifests of infra/kubernetes, read for tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "kubernetes"
Manifest = dict[str, Any]


def kustomizations() -> dict[str, Manifest]:
    """Those of each folder, by its name."""
    return {path.parent.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.rglob("kustomization.yaml"))}


def manifests() -> dict[str, Manifest]:
    """Every object, by its file, kind and name."""
    return {
        f"{path.relative_to(FOLDER)}:{each['kind']}/{each['metadata']['name']}": each
        for path in sorted(FOLDER.rglob("*.yaml"))
        if path.name != "kustomization.yaml"
        for each in yaml.safe_load_all(path.read_text())
    }


def of_kind(*kinds: str) -> dict[str, Manifest]:
    """The objects of some kinds, by name."""
    return {each["metadata"]["name"]: each for each in manifests().values() if each["kind"] in kinds}


def pod(manifest: Manifest) -> Manifest:
    """The description of the pods that a Deployment or a Job makes."""
    described: Manifest = manifest["spec"]["template"]["spec"]
    return described


def container(manifest: Manifest) -> Manifest:
    """The one container of such a pod."""
    (only,) = pod(manifest)["containers"]
    described: Manifest = only
    return described


def settings(manifest: Manifest) -> dict[str, str]:
    """What its ConfigMaps set."""
    given: dict[str, str] = {}
    for source in container(manifest).get("envFrom", []):
        given |= of_kind("ConfigMap")[source["configMapRef"]["name"]]["data"]
    return given


def secrets(manifest: Manifest) -> Iterator[tuple[str, Manifest]]:
    """The variables that come from Secrets, each with its reference."""
    for variable in container(manifest).get("env", []):
        yield variable["name"], variable.get("valueFrom", {}).get("secretKeyRef", {})
