"""Nothing that a user sends makes Relais ask another host: who can open connections is a short list."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CLIENTS = {
    "httpx",
    "httpcore",
    "urllib.request",
    "http.client",
    "requests",
    "aiohttp",
    "socket",
    "ollama",
    "qdrant_client",
}
# Each calls only addresses from the settings.
ALLOWED = {
    "shared/relais": set(),
    "services/api/relais_api": {"main.py"},  # socket: only the type of uvicorn's shutdown
    "services/monitor/relais_monitor": {
        "alerts",
        "operate",
    },  # the webhook of the settings; the API, at a list of paths
    "services/rag-worker/relais_worker": {"adapters", "main.py"},  # socket: only the name of the host
}


def _imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("package", ALLOWED)
def test_only_adapters_open_connections(package: str) -> None:
    """No module but these imports an HTTP client or sockets, so no address from a message or a document is fetched."""
    openers = {
        path.relative_to(ROOT / package).parts[0]
        for path in (ROOT / package).rglob("*.py")
        if any(name == client or name.startswith(f"{client}.") for name in _imports(path) for client in CLIENTS)
    }
    assert openers <= ALLOWED[package]
