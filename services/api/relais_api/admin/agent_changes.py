"""What else changes with an agent: its waiting messages, its documents, the record. Each runs in one transaction."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection

from relais.lifecycle import WAITING
from relais.queues import Kind
from relais.store.accept import accept_ingestion
from relais.store.agents import Agent, create_agent, delete_agent, find_agent_by_slug, patch_agent
from relais.store.audit import record_action
from relais.store.bulk import JobFilter, cancel_matching
from relais.store.documents import list_documents, mark_deleted

_BATCH = 1_000


def make_agent(conn: Connection, fields: Mapping[str, Any], actor: str) -> Agent | None:
    """Create an agent; None when its slug is taken."""
    agent = create_agent(conn, fields)
    if agent is not None:
        record_action(conn, actor=actor, action="agent.create", target={"agent": agent.slug}, changed=1)
    return agent


def change_agent(conn: Connection, slug: str, changes: Mapping[str, Any], actor: str) -> Agent | None:
    """Change an agent; with another embedding model its documents are embedded anew."""
    before = find_agent_by_slug(conn, slug)
    agent = patch_agent(conn, slug, changes)
    if before and agent and agent.embedding_model != before.embedding_model:
        for document_id in _documents(conn, agent.id):
            ingest(conn, agent, document_id)
    if agent is not None:
        target = {"agent": slug, "fields": sorted(changes)}  # not what they were set to: prompts are texts
        record_action(conn, actor=actor, action="agent.change", target=target, changed=1 if changes else 0)
    return agent


def remove_agent(conn: Connection, slug: str, actor: str) -> Agent | None:
    """Delete an agent: its waiting messages are cancelled, its documents leave the index."""
    cancelled: list[UUID] = []
    for state in WAITING:
        while moved := cancel_matching(conn, JobFilter(state=state, kind=Kind.ANSWER, agent=slug), limit=_BATCH):
            cancelled += moved
    agent = delete_agent(conn, slug)
    if agent is not None:
        for document_id in list(_documents(conn, agent.id)):
            mark_deleted(conn, document_id)
            ingest(conn, agent, document_id)
        target = {"agent": slug, "cancelled": len(cancelled)}
        record_action(conn, actor=actor, action="agent.delete", target=target, changed=1, job_ids=cancelled)
    return agent


def ingest(conn: Connection, agent: Agent, document_id: UUID) -> UUID:
    """Put a document into line for its ingestion, or its removal when it is marked as deleted; return the job's id."""
    job_id = uuid4()
    accept_ingestion(
        conn,
        job_id=job_id,
        document_id=document_id,
        agent_id=agent.id,
        priority=agent.priority,
        max_attempts=agent.max_attempts,
    )
    return job_id


def _documents(conn: Connection, agent_id: UUID) -> Iterator[UUID]:
    after = ""
    while page := list_documents(conn, agent_id, after=after, limit=_BATCH):
        after = page[-1].name
        yield from (document.id for document in page)
