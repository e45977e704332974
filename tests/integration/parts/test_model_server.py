"""The embedded model server, as `relais up` starts it."""

from pathlib import Path

import httpx
import pytest

from relais_cli.parts.errors import PartError
from relais_cli.parts.model_server import ModelServer
from support.model_fixtures import ModelFaults


def test_it_answers_as_ollama_does(model_server: ModelServer) -> None:
    """When `start` returns, the built-in models are served."""
    tags = httpx.get(f"{model_server.url}/api/tags", timeout=5.0).json()
    assert {model["name"].partition(":")[0] for model in tags["models"]} >= {"extractive", "lexical"}


def test_faults_can_be_switched_on(model_server: ModelServer, model_faults: ModelFaults) -> None:
    """A test makes the server fail, and the next test finds it well."""
    model_faults.inject(error_rate=1.0, error_status=503)
    embed = {"model": "lexical", "input": "hello"}
    assert httpx.post(f"{model_server.url}/api/embed", json=embed, timeout=5.0).status_code == 503
    model_faults.end()
    assert httpx.post(f"{model_server.url}/api/embed", json=embed, timeout=5.0).status_code == 200


def test_a_wrong_option_is_told_in_one_line(tmp_path: Path) -> None:
    """The error carries the server's own reason."""
    server = ModelServer(tmp_path, options=["--llm", str(tmp_path / "absent.gguf")])
    with pytest.raises(PartError, match=r"did not start: .*absent\.gguf"):
        server.start()
