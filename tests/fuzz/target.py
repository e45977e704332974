"""What is fuzzed: the API as a process over a real PostgreSQL, with something of everything in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from sqlalchemy import Engine

from relais.refs import ref_of
from relais.store.api_keys import add_api_key
from relais.store.engine import make_engine
from support.stack import Stack, stopping

Identity = Literal["nobody", "stranger", "read", "ops", "admin"]
IDENTITIES: tuple[Identity, ...] = ("nobody", "stranger", "read", "ops", "admin")
_SLUGS = ("demo", "other")
_UNUSED = "http://127.0.0.1:1"  # neither models nor an index are called by the API


@dataclass(frozen=True, slots=True)
class Target:
    """A running API, a key for each identity, and values of parameters that lead somewhere."""

    url: str
    keys: dict[Identity, str | None]
    known: dict[str, list[str]]
    stack: Stack


@contextmanager
def running_target(folder: Path, database_url: str) -> Iterator[Target]:
    """Start the API on a migrated, empty database."""
    stack = Stack(folder, database_url, "memory://", _UNUSED)
    engine = make_engine(database_url, pool_size=1, application_name="fuzz")
    try:
        with stopping(stack):
            stack.start_api()
            keys = _make_keys(engine)
            yield Target(stack.url, keys, _fill(stack), stack)
    finally:
        engine.dispose()


def _make_keys(engine: Engine) -> dict[Identity, str | None]:
    with engine.begin() as conn:
        made = {scope: add_api_key(conn, name=scope, scope=scope) for scope in ("read", "ops", "admin")}
    return {"nobody": None, "stranger": "rk_unknown", **made}  # type: ignore[dict-item] # the scopes are identities


def _fill(stack: Stack) -> dict[str, list[str]]:
    """Make agents, messages in several states and documents; give the values that name them."""
    tokens = [stack.make_agent(slug=slug) for slug in _SLUGS]
    with httpx.Client(base_url=stack.url, headers=stack.admin, timeout=20) as client:
        posted = [client.post(f"/c/{token}/message", json={"content": "Hello?"}).json() for token in tokens * 3]
        client.post(f"/api/messages/{posted[0]['message_id']}/cancel").raise_for_status()
        client.post("/api/silences", json={"rule": "RelaisBacklogLarge", "minutes": 600}).raise_for_status()
        files = [("file", (f"{n}.md", b"# Text\n\nMore of it.", "text/markdown")) for n in range(3)]
        uploaded = client.post("/api/agents/demo/documents", files=files).raise_for_status().json()["documents"]
    return {
        "token": tokens,
        "slug": list(_SLUGS),
        "message_id": [message["message_id"] for message in posted],
        "session_id": [message["session_id"] for message in posted],
        "document_id": [document["document_id"] for document in uploaded],
        "name": ["ai-messages", "documents"],
        "ref": [ref_of(message["message_id"]) for message in posted],
        "silence_id": ["1"],
    }
