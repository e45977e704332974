"""Finds the passages that a question can be answered from."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from relais.errors import PermanentError, TransientError
from relais.store.documents import Document, find_documents, read_index_signatures
from relais_worker.adapters.embedding_prompts import as_query
from relais_worker.adapters.ollama import Ollama, Vector
from relais_worker.adapters.qdrant import Hit, Passage, PassageIndex
from relais_worker.answering.asked import Asked
from relais_worker.answering.query import Query, make_query
from relais_worker.answering.wording import identifiers
from relais_worker.progress import Progress

_SPARE_HITS = 10  # some may belong to documents that were replaced or deleted meanwhile


@dataclass(frozen=True, slots=True)
class Found:
    """The passages to answer from, best first, with the evidence of the search."""

    hits: list[Hit]
    evidence: dict[str, Any] = field(default_factory=dict)


def retrieve(asked: Asked, engine: Engine, ollama: Ollama, index: PassageIndex, progress: Progress) -> Found:
    """Search by meaning and by words; keep what is current and relevant, at most the agent's `top_k`.

    Raises:
        PermanentError: `index_outdated` when the agent's documents were indexed with another model.
        TransientError: `passages_lost` when the index has nothing of an agent that has indexed documents.
    """
    started = time.monotonic()
    if not asked.indexed_with:
        return Found([], {"reason": "the agent has no indexed documents"})
    query = make_query(asked.question, asked.earlier)
    vectors = _embed(asked, query, ollama, progress)
    limit = asked.agent.top_k + _SPARE_HITS
    hits = index.search(asked.agent.embedding_model, asked.agent.id, vectors, query.words, limit)
    if not hits:
        _check_lost(asked, engine)
    current = _current(hits, engine)
    relevant = [hit for hit in current if _is_relevant(hit, query, asked.agent.score_threshold)]
    return Found(
        relevant[: asked.agent.top_k],
        {
            "query": {"phrasings": query.phrasings, "words": query.words},
            "retrieval": {
                "embedding_model": asked.agent.embedding_model,
                "top_k": asked.agent.top_k,
                "score_threshold": asked.agent.score_threshold,
            },
            "found": len(hits),
            "outdated": len(hits) - len(current),
            "below_threshold": len(current) - len(relevant),
            "best_score": max((hit.score for hit in current), default=None),
            "retrieve_ms": round((time.monotonic() - started) * 1000),
        },
    )


def _embed(asked: Asked, query: Query, ollama: Ollama, progress: Progress) -> list[Vector]:
    model = asked.agent.embedding_model
    if all(signature.model != model for signature in asked.indexed_with):
        raise _outdated(asked)
    vectors = ollama.embed(model, [as_query(model, phrasing) for phrasing in query.phrasings], progress)
    if all((signature.model, signature.size) != (model, len(vectors[0])) for signature in asked.indexed_with):
        raise _outdated(asked)
    return vectors


def _check_lost(asked: Asked, engine: Engine) -> None:
    """Tell an index that was wiped from documents that were deleted meanwhile; some passage is always nearest."""
    with engine.connect() as conn:
        still_indexed = read_index_signatures(conn, asked.agent.id)
    if still_indexed:
        raise TransientError(
            "passages_lost",
            "The search index has no passages of this agent, though its documents were indexed: restore the index or "
            "upload the documents again. The message is tried again.",
        )


def _outdated(asked: Asked) -> PermanentError:
    made_with = ", ".join(sorted({signature.model for signature in asked.indexed_with}))
    return PermanentError(
        "index_outdated",
        f"The agent's documents were indexed with {made_with}, its embedding model is now "
        f"{asked.agent.embedding_model}: upload the documents again, or set the model back.",
    )


def _current(hits: list[Hit], engine: Engine) -> list[Hit]:
    """Leave out passages of deleted documents and of replaced uploads: the index learns of both a little later."""
    with engine.connect() as conn:
        documents = find_documents(conn, {UUID(hit.passage.document_id) for hit in hits})
    return [hit for hit in hits if _is_current(hit.passage, documents.get(UUID(hit.passage.document_id)))]


def _is_current(passage: Passage, document: Document | None) -> bool:
    if document is None or document.deleted_at is not None:
        return False
    uploads = (document.indexed_sha256, document.content_sha256)  # while a new upload goes in, both serve
    return bytes.fromhex(passage.sha256) in uploads


def _is_relevant(hit: Hit, query: Query, threshold: float) -> bool:
    """Compare the cosine similarity with the threshold; let an exactly named thing pass in any case.

    A fused rank or a BM25 score can't be held against a threshold: both depend on what else is in the collection, and
    the best of a set of irrelevant passages still ranks first. The cosine can, but embedding models know nothing of
    an error code or a setting's name. Whoever asks for `E1042` means it: a passage that has it, letter by letter, is
    relevant. Common words, however rare in the documents, don't count as such a name.
    """
    return hit.score >= threshold or not query.identifiers.isdisjoint(identifiers(hit.passage.text))
