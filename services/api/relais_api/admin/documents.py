"""The addresses of an agent's documents."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from relais.queues import DOCUMENTS
from relais.store.agents import Agent
from relais.store.audit import record_action
from relais.store.documents import find_document, find_listed_document, list_documents, mark_deleted, put_document
from relais_api.admin.agent_changes import ingest
from relais_api.admin.agents import Slug, find_agent
from relais_api.admin.keys import NEEDS_ADMIN, NEEDS_READ, Administrator
from relais_api.admin.uploads import Upload, read_uploads
from relais_api.http import problems
from relais_api.http.cursors import decode_cursor, encode_cursor
from relais_api.http.openapi import problem_responses
from relais_api.messages.bodies import UtcTime
from relais_api.parts import PartsOf

router: Final = APIRouter(
    prefix="/api/agents/{slug}/documents",
    tags=["Administration"],
    responses=problem_responses(
        problems.Unauthorized, problems.Forbidden, problems.UnknownAgent, problems.Invalid, problems.DatabaseUnavailable
    ),
)

_FILES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            }
        },
    }
}


class AcceptedDocument(BaseModel):
    """A document that waits for its ingestion; `unchanged` when the same content was uploaded before."""

    document_id: UUID
    name: str
    job_id: UUID
    unchanged: bool


class AcceptedDocuments(BaseModel):
    """One entry per uploaded file."""

    documents: list[AcceptedDocument]


class DocumentBody(BaseModel):
    """A document; `status` and the errors are those of its newest job."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    media_type: str
    size_bytes: int
    status: str | None
    chunks: int | None
    indexed: bool
    error: str | None
    error_code: str | None
    job_id: UUID | None
    created_at: UtcTime
    updated_at: UtcTime


class DocumentPage(BaseModel):
    """Documents by name."""

    documents: list[DocumentBody]
    next_cursor: str | None


class AcceptedRemoval(BaseModel):
    """A document that no answer uses from now on; the job takes it out of the index."""

    document_id: UUID
    job_id: UUID


@router.post(
    "",
    status_code=202,
    dependencies=[NEEDS_ADMIN],
    openapi_extra=_FILES,
    responses=problem_responses(problems.TooLarge, problems.WrongMediaType),
)
async def upload_documents(slug: Slug, request: Request, parts: PartsOf, admin: Administrator) -> AcceptedDocuments:
    """Store files and ingest them in the background; one of the same name replaces the earlier one."""
    agent = await find_agent(parts, slug)
    uploads = await read_uploads(request, parts.limits)
    accepted = [await parts.database.write(_accept, agent, upload, admin.name) for upload in uploads]
    parts.announcer.wake(DOCUMENTS.name, len(accepted))
    return AcceptedDocuments(documents=accepted)


@router.get("", dependencies=[NEEDS_READ])
async def show_documents(
    slug: Slug, parts: PartsOf, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> DocumentPage:
    """List an agent's documents by name."""
    agent = await find_agent(parts, slug)
    after = "" if cursor is None else decode_cursor(cursor, str)[0]
    found = await parts.database.read(list_documents, agent.id, after=after, limit=limit + 1)
    shown = [DocumentBody.model_validate(document) for document in found[:limit]]
    return DocumentPage(documents=shown, next_cursor=encode_cursor(shown[-1].name) if len(found) > limit else None)


@router.get("/{document_id}", dependencies=[NEEDS_READ], responses=problem_responses(problems.UnknownDocument))
async def show_document(slug: Slug, document_id: UUID, parts: PartsOf) -> DocumentBody:
    """Show a document."""
    agent = await find_agent(parts, slug)
    document = await parts.database.read(find_listed_document, agent.id, document_id)
    if document is None:
        raise _unknown()
    return DocumentBody.model_validate(document)


@router.delete(
    "/{document_id}",
    status_code=202,
    dependencies=[NEEDS_ADMIN],
    responses=problem_responses(problems.UnknownDocument),
)
async def remove_document(slug: Slug, document_id: UUID, parts: PartsOf, admin: Administrator) -> AcceptedRemoval:
    """Remove a document: no answer uses it from now on, and the index is cleaned in the background."""
    agent = await find_agent(parts, slug)
    job_id = await parts.database.write(_remove, agent, document_id, admin.name)
    if job_id is None:
        raise _unknown()
    parts.announcer.wake(DOCUMENTS.name)
    return AcceptedRemoval(document_id=document_id, job_id=job_id)


def _accept(conn: Connection, agent: Agent, upload: Upload, actor: str) -> AcceptedDocument:
    stored = put_document(conn, agent.id, upload.name, upload.media_type, upload.content)
    job_id = ingest(conn, agent, stored.document_id)
    target = {"agent": agent.slug, "document": upload.name}
    record_action(conn, actor=actor, action="document.put", target=target, changed=0 if stored.unchanged else 1)
    return AcceptedDocument(document_id=stored.document_id, name=upload.name, job_id=job_id, unchanged=stored.unchanged)


def _remove(conn: Connection, agent: Agent, document_id: UUID, actor: str) -> UUID | None:
    document = find_document(conn, document_id)
    if document is None or document.agent_id != agent.id or not mark_deleted(conn, document_id):
        return None
    target = {"agent": agent.slug, "document": document.name}
    record_action(conn, actor=actor, action="document.delete", target=target, changed=1)
    return ingest(conn, agent, document_id)


def _unknown() -> problems.UnknownDocument:
    return problems.UnknownDocument("This agent has no document with this id; list its documents to find it.")
