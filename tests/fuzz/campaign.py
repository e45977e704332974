"""Runs Schemathesis against a target: all that its OpenAPI promises, and the checks of `checks.py`."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fuzz.target import Identity, Target

_HOOKS = Path(__file__).with_name("checks.py")
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    "refusals_are_problems",
    "nothing_of_the_inside_shows",
    "security_headers_are_there",
)
# What a random value would only make slow: waits are honoured up to a minute.
_WAITS = {"query.wait": ["0", "1"], "header.Prefer": ["wait=0", "wait=1", "wait=x", "respond-async", "wait=1, wait=60"]}
_OFTEN = 0.5  # a parameter has a value that leads somewhere half of the time, any other else


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried: cases per operation, in which phases, from which seed."""

    cases: int
    phases: str
    seed: int
    deterministic: bool = False
    longest_s: int = 3_600


def fuzz(target: Target, identity: Identity, effort: Effort, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one campaign as one identity; the exit status is 0 when nothing was found, the output says what was."""
    config = folder / f"schemathesis-{identity}.toml"
    config.write_text(_configuration(target))
    key = target.keys[identity]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{target.url}/openapi.json", "--checks", ",".join(_CHECKS), "--phases", effort.phases),
        *("--max-examples", str(effort.cases), "--seed", str(effort.seed), "--max-time", str(effort.longest_s)),
        *(("--generation-deterministic",) if effort.deterministic else ("--generation-database", "none")),
        *(("--header", f"Authorization: Bearer {key}") if key else ()),
        *("--continue-on-failure", "--no-color", "--warnings", "off"),
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(_HOOKS)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _configuration(target: Target) -> str:
    lines = ["request-timeout = 40", "max-stream-events = 1", "", "[dictionaries]"]
    lines += [f"{name} = {{ values = {values!r} }}" for name, values in target.known.items()]
    lines += [f'"{name}" = {{ values = {values!r} }}' for name, values in _WAITS.items()]
    lines += ["", "[parameters]"]
    lines += [f'"{name}" = {{ dictionary = "{name}" }}' for name in _WAITS]
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = {_OFTEN} }}' for name in target.known]
    return "\n".join(lines)
