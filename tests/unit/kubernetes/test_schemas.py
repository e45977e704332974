"""What a cluster with KEDA says of the form of the manifests."""

import json
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

from support.manifests import manifests, of_kind, pod

VERSION = "1.37"
SCALED_OBJECT = json.loads(Path(__file__).with_name("scaledobject.schema.json").read_text())


@pytest.mark.parametrize("name", [name for name, each in manifests().items() if each["kind"] != "ScaledObject"])
def test_a_manifest_fits_the_schema_of_kubernetes(name: str) -> None:
    """The cluster takes every object, and knows every field: a misspelt one would be dropped or refused."""
    kubernetes_validate.validate(manifests()[name], VERSION, strict=True)


def test_the_schema_finds_a_misspelt_field() -> None:
    """The check above isn't empty."""
    wrong = of_kind("Deployment")["api"]
    pod(wrong)["terminationGraceSeconds"] = 30
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_the_scaling_fits_the_schema_of_keda() -> None:
    """KEDA takes the object, and knows its fields; the limits don't contradict each other."""
    (scaling,) = of_kind("ScaledObject").values()
    jsonschema.validate(scaling, SCALED_OBJECT, cls=jsonschema.Draft202012Validator)
    assert scaling["spec"]["minReplicaCount"] <= scaling["spec"]["maxReplicaCount"]
    assert any(trigger["metricType"] == "AverageValue" for trigger in scaling["spec"]["triggers"])  # fallback needs one
