"""Documents: what an agent answers from, as it was uploaded and as the index holds it."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, delete, func, select, text, update

from relais.store.schema import document_contents, documents


@dataclass(frozen=True, slots=True)
class DocumentUpload:
    """Where an upload went; `unchanged` when the newest upload of that name already had the same content."""

    document_id: UUID
    unchanged: bool


@dataclass(frozen=True, slots=True)
class Document:
    """One row of `documents`, without its content."""

    id: UUID
    agent_id: UUID
    name: str
    media_type: str
    size_bytes: int
    content_sha256: bytes
    indexed_sha256: bytes | None
    indexed_with: str | None
    chunks: int | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A document with how its newest ingestion went; `status` is that job's state, null before the first."""

    id: UUID
    name: str
    media_type: str
    size_bytes: int
    chunks: int | None
    indexed: bool
    created_at: datetime
    updated_at: datetime
    job_id: UUID | None
    status: str | None
    error_code: str | None
    error: str | None


# The row is locked before it is compared, so that two uploads of one name can't mix hash and content.
_LOCK = (
    select(documents.c.content_sha256)
    .where(
        documents.c.agent_id == bindparam("agent_id"),
        documents.c.name == bindparam("name"),
        documents.c.deleted_at.is_(None),
    )
    .with_for_update()
)
_PUT = text("""
INSERT INTO documents (id, agent_id, name, media_type, size_bytes, content_sha256)
VALUES (:id, :agent_id, :name, :media_type, :size_bytes, :sha256)
ON CONFLICT (agent_id, name) WHERE deleted_at IS NULL DO UPDATE
SET media_type = EXCLUDED.media_type, size_bytes = EXCLUDED.size_bytes, content_sha256 = EXCLUDED.content_sha256,
    updated_at = now()
RETURNING id""")
_PUT_CONTENT = text("""
INSERT INTO document_contents (document_id, content) VALUES (:document_id, :content)
ON CONFLICT (document_id) DO UPDATE SET content = EXCLUDED.content""")
_LISTED = """
SELECT d.id, d.name, d.media_type, d.size_bytes, d.chunks, d.indexed_sha256 IS NOT NULL AS indexed,
       d.created_at, d.updated_at, j.id AS job_id, j.error_code, j.error,
       -- the job may have been deleted, the index remains
       coalesce(j.state, CASE WHEN d.indexed_sha256 = d.content_sha256 THEN 'completed' END) AS status
FROM documents d
LEFT JOIN LATERAL (
    SELECT id, state, error_code, error FROM every_job WHERE subject_id = d.id AND kind = 'ingest'
    ORDER BY created_at DESC, ticket DESC LIMIT 1) j ON true
WHERE d.agent_id = :agent_id AND d.deleted_at IS NULL"""
_LIST = text(f"{_LISTED} AND d.name > :after ORDER BY d.name LIMIT :limit")
_LISTED_BY_ID = text(f"{_LISTED} AND d.id = :document_id")
_FIND = select(documents).where(documents.c.id == bindparam("document_id"))
_FIND_SEVERAL = select(documents).where(documents.c.id.in_(bindparam("document_ids", expanding=True)))
_CONTENT = select(document_contents.c.content).where(document_contents.c.document_id == bindparam("document_id"))
_INDEXED_WITH = (
    select(documents.c.indexed_with)
    .distinct()
    .where(
        documents.c.agent_id == bindparam("agent_id"),
        documents.c.deleted_at.is_(None),
        documents.c.indexed_with.is_not(None),
    )
)
_MARK_INDEXED = (
    update(documents)
    .where(documents.c.id == bindparam("document_id"))
    .values(
        indexed_sha256=bindparam("of_sha256"), indexed_with=bindparam("with_signature"), chunks=bindparam("in_chunks")
    )
)
_MARK_DELETED = (
    update(documents)
    .where(documents.c.id == bindparam("document_id"), documents.c.deleted_at.is_(None))
    .values(deleted_at=func.now())
)
_REMOVE = delete(documents).where(documents.c.id == bindparam("document_id"), documents.c.deleted_at.is_not(None))


def put_document(conn: Connection, agent_id: UUID, name: str, media_type: str, content: bytes) -> DocumentUpload:
    """Store an upload; one of the same agent and name replaces the earlier one and keeps its id."""
    sha256 = hashlib.sha256(content).digest()
    earlier = conn.execute(_LOCK, {"agent_id": agent_id, "name": name}).scalar_one_or_none()
    document_id = conn.execute(
        _PUT,
        {
            "id": uuid4(),
            "agent_id": agent_id,
            "name": name,
            "media_type": media_type,
            "size_bytes": len(content),
            "sha256": sha256,
        },
    ).scalar_one()
    if earlier == sha256:
        return DocumentUpload(document_id, unchanged=True)
    conn.execute(_PUT_CONTENT, {"document_id": document_id, "content": content})
    return DocumentUpload(document_id, unchanged=False)


def list_documents(conn: Connection, agent_id: UUID, *, after: str = "", limit: int = 100) -> list[ListedDocument]:
    """List an agent's documents by name, those after the name `after`; without those marked as deleted."""
    rows = conn.execute(_LIST, {"agent_id": agent_id, "after": after, "limit": limit})
    return [ListedDocument(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name for it


def find_listed_document(conn: Connection, agent_id: UUID, document_id: UUID) -> ListedDocument | None:
    """Find one as in the list; None when the agent has no such document."""
    row = conn.execute(_LISTED_BY_ID, {"agent_id": agent_id, "document_id": document_id}).one_or_none()
    return None if row is None else ListedDocument(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for it


def find_document(conn: Connection, document_id: UUID) -> Document | None:
    """Find a document, also one that is marked as deleted."""
    return _as_document(conn.execute(_FIND, {"document_id": document_id}).one_or_none())


def find_documents(conn: Connection, document_ids: Collection[UUID]) -> dict[UUID, Document]:
    """Find those of the documents that exist, also ones marked as deleted, by id."""
    rows = conn.execute(_FIND_SEVERAL, {"document_ids": list(document_ids)})
    return {row.id: Document(**row._mapping) for row in rows}  # noqa: SLF001 -- SQLAlchemy's public name for it


def read_content(conn: Connection, document_id: UUID) -> bytes | None:
    """Read the newest upload, byte for byte; None when there is no such document."""
    content = conn.execute(_CONTENT, {"document_id": document_id}).scalar_one_or_none()
    return None if content is None else bytes(content)


def read_index_signatures(conn: Connection, agent_id: UUID) -> list[str]:
    """Read the distinct `indexed_with` of an agent's documents; empty when none was ever indexed."""
    return list(conn.execute(_INDEXED_WITH, {"agent_id": agent_id}).scalars())


def mark_indexed(conn: Connection, document_id: UUID, *, sha256: bytes, indexed_with: str, chunks: int) -> None:
    """Record what the index now holds of a document."""
    conn.execute(
        _MARK_INDEXED,
        {"document_id": document_id, "of_sha256": sha256, "with_signature": indexed_with, "in_chunks": chunks},
    )


def mark_deleted(conn: Connection, document_id: UUID) -> bool:
    """Ask for a document's removal: no answer uses it from now on. False when it is gone or already marked."""
    return conn.execute(_MARK_DELETED, {"document_id": document_id}).rowcount == 1


def remove_document(conn: Connection, document_id: UUID) -> None:
    """Delete the row and the content of a document marked as deleted, once the index is clean."""
    conn.execute(_REMOVE, {"document_id": document_id})


def _as_document(row: Row[Any] | None) -> Document | None:
    return None if row is None else Document(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for it
