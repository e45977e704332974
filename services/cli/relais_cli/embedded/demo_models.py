"""Which models the agent `demo` uses: those that this run serves, or those that Ollama has."""

from dataclasses import dataclass
from typing import Self

import httpx

from relais_cli.embedded.options import UpOptions
from relais_cli.embedded.servers import llm_name

_TIMEOUT_S = 5.0
_EMBEDDING = "embed"  # part of the name of nearly every embedding model that Ollama offers
_USUAL_CHAT, _USUAL_EMBEDDING = "llama3.2", "nomic-embed-text"


@dataclass(frozen=True, slots=True)
class Models:
    """The models that an agent uses."""

    chat: str
    embedding: str

    @classmethod
    def embedded(cls, options: UpOptions) -> Self:
        """Those of the embedded model server."""
        return cls("extractive" if options.llm is None else llm_name(options.llm), "lexical")

    @classmethod
    def of_ollama(cls, url: str) -> Self | None:
        """Some that Ollama has, or usual ones for it to pull; None when it doesn't answer."""
        names = _list_models(url)
        if names is None:
            return None
        if {"extractive", "lexical"} <= names:  # our own model server, started elsewhere
            return cls("extractive", "lexical")
        embedding = sorted(name for name in names if _EMBEDDING in name)
        chat = sorted(names.difference(embedding))
        return cls((chat or [_USUAL_CHAT])[0], (embedding or [_USUAL_EMBEDDING])[0])


def _list_models(url: str) -> set[str] | None:
    try:
        reply = httpx.get(f"{url.rstrip('/')}/api/tags", timeout=_TIMEOUT_S, trust_env=False)
        return {str(model["name"]).removesuffix(":latest") for model in reply.raise_for_status().json()["models"]}
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
