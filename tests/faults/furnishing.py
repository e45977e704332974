"""Gives a fresh rig its agents and a document."""

import httpx
from sqlalchemy import Engine, text

from support.stack import Stack
from support.waiting import wait_until

_DOCUMENT = b"# Refunds\n\nA refund is paid within 14 days of the request, to the card that was used.\n"
_INDEXED = text("SELECT count(*) FROM documents WHERE indexed_sha256 IS NOT NULL")
_TIMEOUT_S = 40.0


def furnish(stack: Stack, engine: Engine) -> tuple[str, str]:
    """Make the agent of the clients, with a document, and the one of the poison; return their tokens."""
    policy = {"retry_backoff_s": 0.5, "score_threshold": 0.0}
    agent = stack.make_agent(slug="agent", max_attempts=20, **policy)
    poison = stack.make_agent(slug="poison", max_attempts=3, **policy)
    files = {"file": ("refunds.md", _DOCUMENT, "text/markdown")}
    url = f"{stack.url}/api/agents/agent/documents"
    httpx.post(url, files=files, headers=stack.admin, timeout=10).raise_for_status()
    wait_until(lambda: _count_indexed(engine), _TIMEOUT_S, "the document is ingested")
    return agent, poison


def _count_indexed(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(conn.execute(_INDEXED).scalar_one())
