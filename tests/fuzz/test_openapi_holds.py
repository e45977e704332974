"""The API against its own OpenAPI document: a short, repeatable share of `make fuzz`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.campaign import Effort, fuzz
from fuzz.target import Identity, Target, running_target
from relais_cli.parts.postgres import EmbeddedPostgres
from support.postgres_fixtures import TEMPLATE

# Coverage alone: each boundary of each schema, valid and not; random cases are for `make fuzz`.
_SHORT = Effort(cases=1, phases="coverage", seed=1, deterministic=True, longest_s=90)


@pytest.fixture(scope="module")
def target(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One API for the module: whatever a campaign leaves behind, the next has to cope with."""
    postgres.create_database("fuzz", template=TEMPLATE)
    try:
        with running_target(tmp_path_factory.mktemp("fuzz"), postgres.url("fuzz")) as running:
            yield running
    finally:
        postgres.drop_database("fuzz")


@pytest.mark.parametrize("identity", ["nobody", "read", "admin"])
def test_the_api_is_what_its_openapi_says(target: Target, identity: Identity, tmp_path: Path) -> None:
    """No 5xx, no undocumented status, type or shape, every refusal a problem, no inside shown, whoever asks."""
    done = fuzz(target, identity, _SHORT, tmp_path)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:] + target.stack.logs()
    assert "generated" in done.stdout
