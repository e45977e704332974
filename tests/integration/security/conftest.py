"""One API for the tests of this folder that leave nothing behind."""

from collections.abc import Iterator

import pytest

from relais_cli.parts.postgres import EmbeddedPostgres
from support.api import Api, fresh_api


@pytest.fixture(scope="module")
def api(postgres: EmbeddedPostgres) -> Iterator[Api]:
    """An API with one agent: token `TOKEN`, slug `demo`."""
    with fresh_api(postgres, "security") as shared:
        yield shared
