"""The corpus on which the built-in models must be good enough."""

from pathlib import Path

import pytest

from relais_models.extractive.passages import Passage

_FOLDER = Path(__file__).parent / "corpus"


@pytest.fixture(scope="session")
def corpus():
    """Ten short documents about a lamp shop: text by name."""
    return {path.name: path.read_text() for path in sorted(_FOLDER.glob("*.md"))}


@pytest.fixture(scope="session")
def passages(corpus):
    """The corpus as a worker would number it for a prompt."""
    return [Passage(number, name, text) for number, (name, text) in enumerate(corpus.items(), start=1)]
