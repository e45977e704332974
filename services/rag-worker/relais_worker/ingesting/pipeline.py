"""Brings one document into the index, or out of it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy import Engine

from relais.errors import PermanentError
from relais.store.agents import find_agent_by_id
from relais.store.claim import ClaimedJob
from relais.store.documents import Document, find_document, mark_indexed, read_content, remove_document
from relais_worker.adapters.embedding_prompts import as_passage
from relais_worker.adapters.ollama import Ollama, Vector
from relais_worker.adapters.qdrant import Passage, PassageIndex
from relais_worker.index_signature import IndexSignature
from relais_worker.ingesting.chunk import Chunk, Chunking, cut
from relais_worker.ingesting.parse import parse
from relais_worker.ingesting.parsed import UnreadableError
from relais_worker.progress import Progress

_BATCH = 32
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Source:
    """An upload that is being indexed."""

    document: Document
    sha256: bytes

    def passage(self, chunk: Chunk) -> Passage:
        return Passage(
            chunk_id=chunk.id,
            agent_id=str(self.document.agent_id),
            document_id=str(self.document.id),
            document=self.document.name,
            sha256=self.sha256.hex(),
            position=chunk.position,
            heading=chunk.heading,
            text=chunk.text,
        )


@dataclass(frozen=True)
class IngestPipeline:
    """Parses, cuts, embeds and stores a document; takes one that is marked as deleted out.

    New passages go in before the old ones go out, chunk ids are deterministic, and vectors are stored batch by batch:
    an attempt that dies halfway leaves the index usable, and the next one continues where it stopped.
    """

    engine: Engine
    ollama: Ollama
    index: PassageIndex
    chunking: Chunking = field(default_factory=Chunking)

    def __call__(self, job: ClaimedJob, progress: Progress) -> None:
        """Work on the document `job.subject_id`; finding nothing to do is a success.

        Raises:
            TransientError: a part is away.
            PermanentError: `unreadable_document`, which names the file, and what the adapters raise.
        """
        document, model = self._look_up(job)
        if document is None or document.deleted_at is not None:
            self._remove(job.subject_id)
        elif not self._is_current(document, model):
            self._replace(document, model, progress)

    def _look_up(self, job: ClaimedJob) -> tuple[Document | None, str]:
        with self.engine.connect() as conn:
            agent = find_agent_by_id(conn, job.agent_id)
            if agent is None:
                raise PermanentError("agent_missing", "The agent of this document no longer exists.")
            return find_document(conn, job.subject_id), agent.embedding_model

    def _remove(self, document_id: UUID) -> None:
        self.index.delete_document(document_id)
        with self.engine.begin() as conn:
            remove_document(conn, document_id)

    def _is_current(self, document: Document, model: str) -> bool:
        """Compare with what the index was made of and with, then count, since an index can be wiped or restored."""
        if document.indexed_with is None or document.indexed_sha256 != document.content_sha256:
            return False
        signature = IndexSignature.read(document.indexed_with)
        if (signature.model, signature.chunking) != (model, str(self.chunking)):
            return False
        return self.index.count(model, signature.size, document.id) == document.chunks

    def _replace(self, document: Document, model: str, progress: Progress) -> None:
        content = self._read(document)
        chunks = self._cut(document, content, progress)
        size = len(self._embed(model, chunks[:1], progress)[0])
        made_with = IndexSignature(model, size, str(self.chunking))
        source = _Source(document, hashlib.sha256(content).digest())
        for batch in _batches(chunks):
            self._store(batch, source, made_with, progress)
        self.index.keep_only(model, size, document.id, [chunk.id for chunk in chunks])
        with self.engine.begin() as conn:
            mark_indexed(conn, document.id, sha256=source.sha256, indexed_with=str(made_with), chunks=len(chunks))
        _log.info("document.indexed", document_id=str(document.id), chunks=len(chunks), model=model)

    def _read(self, document: Document) -> bytes:
        with self.engine.connect() as conn:
            content = read_content(conn, document.id)
        if content is None:
            raise UnreadableError(document.name, "its content is gone: upload it again.")
        return content

    def _cut(self, document: Document, content: bytes, progress: Progress) -> list[Chunk]:
        parsed = parse(document.name, document.media_type, content, lambda: _go_on(progress))
        chunks = cut(document.id, parsed, self.chunking)
        _go_on(progress)
        if not chunks:
            raise UnreadableError(document.name, "the file contains headings but no text.")
        return chunks

    def _store(self, batch: Sequence[Chunk], source: _Source, made_with: IndexSignature, progress: Progress) -> None:
        """Store a batch; what the index already holds keeps its vector, and gets its new position."""
        _go_on(progress)
        vectors = self.index.vectors_of(made_with.model, made_with.size, [chunk.id for chunk in batch])
        missing = [chunk for chunk in batch if chunk.id not in vectors]
        if missing:
            made = self._embed(made_with.model, missing, progress)
            vectors |= zip((chunk.id for chunk in missing), made, strict=True)
        progress.check()
        passages = [source.passage(chunk) for chunk in batch]
        self.index.put(made_with.model, passages, [vectors[chunk.id] for chunk in batch])

    def _embed(self, model: str, chunks: Sequence[Chunk], progress: Progress) -> list[Vector]:
        return self.ollama.embed(model, [as_passage(model, chunk.text) for chunk in chunks], progress)


def _go_on(progress: Progress) -> None:
    progress.check()
    progress.beat()


def _batches(chunks: Sequence[Chunk]) -> Iterator[Sequence[Chunk]]:
    return (chunks[start : start + _BATCH] for start in range(0, len(chunks), _BATCH))
