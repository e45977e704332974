"""The agent `demo`, which answers about Relais itself from the documentation of this checkout."""

import time
from pathlib import Path
from typing import Any

from relais_cli.client import Client, RefusedError
from relais_cli.embedded.demo_models import Models
from relais_cli.embedded.stopping import StopRequests
from relais_cli.ingesting import Ingestion, Upload, upload

SLUG = "demo"
_NOT_FOUND = 404
_TIMEOUT_S = 60.0
_INTERVAL_S = 0.1
_PROFILE = {
    "name": "Relais demo",
    "greeting": "Ask me about Relais: I answer from its documentation.",
    "system_prompt": "You answer questions about Relais, briefly and only from the passages.",
}


def ensure_agent(client: Client, models: Models, *, replace: bool) -> dict[str, Any]:
    """Create the agent, or with `replace` let the one there is use these models; its token stays what it is."""
    wanted = {"chat_model": models.chat, "embedding_model": models.embedding}
    try:
        agent: dict[str, Any] = client.get(f"/api/agents/{SLUG}")
    except RefusedError as error:
        if error.status != _NOT_FOUND:
            raise
        created: dict[str, Any] = client.post("/api/agents", json={"slug": SLUG, **_PROFILE, **wanted})
        return created
    if not replace or wanted.items() <= agent.items():
        return agent
    changed: dict[str, Any] = client.request("PATCH", f"/api/agents/{SLUG}", json=wanted)
    return changed


def find_documents() -> list[Path]:
    """The README and the documentation of the checkout that this program runs from; empty when there is none."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "docs" / "quickstart.md").is_file():
            pages = [folder / "README.md", *sorted((folder / "docs").glob("*.md"))]
            return [page for page in pages if page.is_file() and page.stat().st_size > 0]
    return []


def ingest_documents(client: Client, requests: StopRequests, pages: list[Path]) -> Ingestion:
    """Upload the documents and wait for their ingestion; of those that are unchanged nothing is embedded again.

    Raises:
        StopRequested: somebody asked to stop.
    """
    ingestion = upload(client, SLUG, [Upload(page, page.name) for page in pages])
    deadline = time.monotonic() + _TIMEOUT_S
    while ingestion.unfinished and time.monotonic() < deadline:
        requests.check()
        requests.wait(_INTERVAL_S)
        ingestion.refresh(client)
    return ingestion
