"""Gives a fresh rig its agents and their documents."""

from collections.abc import Mapping

import httpx

from faults.facts import FACTS, document_of
from support.stack import Stack
from support.waiting import wait_until

_TIMEOUT_S = 40.0


def furnish(stack: Stack) -> tuple[str, str]:
    """Make the agent of the clients, with its documents, and the one of the poison; return their tokens."""
    policy = {"retry_backoff_s": 0.5, "score_threshold": 0.0}
    agent = stack.make_agent(slug="agent", max_attempts=20, **policy)
    poison = stack.make_agent(slug="poison", max_attempts=3, **policy)
    upload_facts(stack.url, "agent", stack.admin)
    return agent, poison


def upload_facts(url: str, slug: str, headers: Mapping[str, str]) -> None:
    """Give an agent one document for each fact; returns when it can answer from all of them."""
    with httpx.Client(base_url=f"{url}/api/agents/{slug}", headers=dict(headers), timeout=10) as client:
        for fact in FACTS.values():
            name, text = document_of(fact)
            client.post("/documents", files={"file": (name, text, "text/markdown")}).raise_for_status()
        wait_until(lambda: _count_indexed(client) == len(FACTS), _TIMEOUT_S, "the documents are ingested")


def _count_indexed(client: httpx.Client) -> int:
    page = client.get("/documents").raise_for_status().json()
    return sum(document["indexed"] for document in page["documents"])
