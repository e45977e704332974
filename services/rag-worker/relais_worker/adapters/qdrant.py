"""The index of passages in Qdrant, on a server or in qdrant-client's local mode."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any, cast
from uuid import UUID

import httpx
import numpy as np
from qdrant_client import QdrantClient, models

from relais.errors import JobError, PermanentError, TransientError
from relais_worker.adapters.ollama import Vector
from relais_worker.adapters.qdrant_collections import PREFIX, TEXT_FIELD, collection_name, create_collection
from relais_worker.adapters.qdrant_failures import failures_translated, is_missing_collection, work_failed

_LEAST_CANDIDATES = 20
_PROBE_TIMEOUT_S = 3
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of a document as the index keeps it; `sha256` (hex) names the upload that it was cut from."""

    chunk_id: str
    agent_id: str
    document_id: str
    document: str
    sha256: str
    position: int
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found; `score` is the cosine of its vector and the nearest of the query's."""

    passage: Passage
    score: float


@dataclass(frozen=True)
class PassageIndex:
    """Passages by embedding model; safe to share between threads.

    Qdrant's local mode is neither thread-safe nor shared between processes: one lock serialises it, `open_index`
    refuses a folder that another process has open.

    Args:
        client: of the server or of the folder.
        remote: whether it is a server.
        prober: the same with a short timeout, to ask whether the server is there; None for a folder, which is.
    """

    client: QdrantClient
    remote: bool
    prober: QdrantClient | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)
    _ready: set[str] = field(default_factory=set, repr=False)

    def search(self, model: str, agent_id: UUID, vectors: Sequence[Vector], words: str, limit: int) -> list[Hit]:
        """Find an agent's passages by meaning and by words, fused by reciprocal rank, best first.

        Args:
            model: the embedding model that made `vectors`.
            agent_id: whose passages.
            vectors: of one or more phrasings of the question; each ranks the passages.
            words: ranks them by BM25.
            limit: how many hits at most.

        A fused score says only how ranks compare within one search, so a hit carries the cosine similarity instead.
        """
        name = collection_name(model, len(vectors[0]))
        candidates = max(_LEAST_CANDIDATES, 2 * limit)
        prefetch = [models.Prefetch(query=vector, limit=candidates) for vector in vectors]
        if _WORD.search(words):
            by_words = models.TextQuery(text=words)
            prefetch.append(models.Prefetch(query=by_words, using=TEXT_FIELD, limit=candidates))
        try:
            with self._call() as client:
                found = client.query_points(
                    name,
                    prefetch=prefetch,
                    query=models.FusionQuery(fusion=models.Fusion.RRF),
                    query_filter=_where(agent_id=agent_id),
                    limit=limit,
                    with_vectors=True,
                )
        except JobError as error:
            if is_missing_collection(error):
                return []
            raise
        try:
            return [Hit(_passage(point.payload), _similarity(point.vector, vectors)) for point in found.points]
        except (KeyError, TypeError, ValueError) as error:  # a point that isn't ours
            raise work_failed() from error

    def vectors_of(self, model: str, size: int, chunk_ids: Collection[str]) -> dict[str, Vector]:
        """Read the vectors of those chunks that the index already holds."""
        with self._collection(model, size) as (client, name):
            found = client.retrieve(name, list(chunk_ids), with_payload=False, with_vectors=True)
        return {str(point.id): cast("Vector", point.vector) for point in found}  # collections have one unnamed vector

    def put(self, model: str, passages: Sequence[Passage], vectors: Sequence[Vector]) -> None:
        """Store passages with their vectors; a passage of the same chunk id is replaced."""
        points = [
            models.PointStruct(id=passage.chunk_id, vector=list(vector), payload=asdict(passage))
            for passage, vector in zip(passages, vectors, strict=True)
        ]
        with self._collection(model, len(vectors[0])) as (client, name):
            client.upsert(name, points, wait=True)

    def count(self, model: str, size: int, document_id: UUID) -> int:
        """Count a document's passages."""
        with self._collection(model, size) as (client, name):
            return client.count(name, count_filter=_where(document_id=document_id), exact=True).count

    def keep_only(self, model: str, size: int, document_id: UUID, chunk_ids: Collection[str]) -> None:
        """Delete a document's passages but those named, which are in the collection of this model and size."""
        kept_in = collection_name(model, size)
        for name in self._collections():
            kept = list(chunk_ids) if name == kept_in else []
            with self._call() as client:
                client.delete(name, _where(document_id=document_id, but=kept), wait=True)

    def delete_document(self, document_id: UUID) -> None:
        """Delete a document's passages, whatever model they were embedded with."""
        for name in self._collections():
            with self._call() as client:
                client.delete(name, _where(document_id=document_id), wait=True)

    def probe(self) -> None:
        """Ask whether the server is there.

        Raises:
            JobError: it didn't answer in time. Nothing is logged: it may be asked for hours.
        """
        if self.prober is not None:
            with failures_translated(quiet=True):
                self.prober.get_collections()

    def close(self) -> None:
        """Let go of connections, or of the local folder."""
        with self._exclusive():
            self.client.close()
        if self.prober is not None:
            self.prober.close()

    def _collections(self) -> list[str]:
        with self._call() as client:
            names = [collection.name for collection in client.get_collections().collections]
        return [name for name in names if name.startswith(PREFIX)]

    @contextmanager
    def _collection(self, model: str, size: int) -> Iterator[tuple[QdrantClient, str]]:
        """Call on the collection of a model and size, which is made at its first use.

        Raises:
            TransientError: `qdrant_collection_lost` when somebody deleted it since; it is made again next time.
        """
        name = collection_name(model, size)
        if name not in self._ready:
            with self._exclusive():
                create_collection(self.client, name, size, remote=self.remote)
            self._ready.add(name)
        try:
            with self._call() as client:
                yield client, name
        except JobError as error:
            if not is_missing_collection(error):
                raise
            self._ready.discard(name)
            raise TransientError("qdrant_collection_lost", "The search index lost a collection meanwhile.") from error

    @contextmanager
    def _call(self) -> Iterator[QdrantClient]:
        with self._exclusive(), failures_translated():
            yield self.client

    def _exclusive(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.remote else self._lock


def open_index(location: str, *, timeout_s: int = 10, api_key: str | None = None) -> PassageIndex:
    """Open a Qdrant server by its URL, or a folder in local mode; a server isn't called yet.

    Raises:
        PermanentError: `qdrant_folder_in_use` when another process has the folder open.
    """
    if location.startswith(("http://", "https://")):
        remote, prober = (
            _client_of(location, api_key, patience_s) for patience_s in (timeout_s, min(timeout_s, _PROBE_TIMEOUT_S))
        )
        return PassageIndex(remote, remote=True, prober=prober)
    try:
        local = QdrantClient(path=location, force_disable_check_same_thread=True)
    except RuntimeError as error:
        raise PermanentError(
            "qdrant_folder_in_use",
            f"The folder {location} is in use by another process: set RELAIS_QDRANT_URL to a Qdrant server to run "
            "several workers.",
        ) from error
    return PassageIndex(local, remote=False)


def _client_of(url: str, api_key: str | None, patience_s: int) -> QdrantClient:
    # Relais calls its own servers: a proxy of the environment is meant for others. And no connection is kept:
    # Qdrant ends one that rests after 5 s, just as httpx does, and a call on its way in that instant costs an attempt.
    return QdrantClient(
        url=url,
        api_key=api_key,
        timeout=patience_s,
        check_compatibility=False,
        trust_env=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    )


def _where(*, but: Sequence[str] = (), **fields: UUID) -> models.Filter:
    return models.Filter(
        must=[
            models.FieldCondition(key=key, match=models.MatchValue(value=str(value))) for key, value in fields.items()
        ],
        must_not=[models.HasIdCondition(has_id=list(but))] if but else None,
    )


def _passage(payload: dict[str, Any] | None) -> Passage:
    payload = payload or {}
    return Passage(**{name: payload[name] for name in Passage.__dataclass_fields__})


def _similarity(stored: object, queries: Sequence[Vector]) -> float:
    vector = np.asarray(stored, dtype=float)
    asked = np.asarray(queries, dtype=float)
    lengths = np.linalg.norm(asked, axis=1) * np.linalg.norm(vector)
    cosines = np.divide(asked @ vector, lengths, out=np.zeros(len(queries)), where=lengths > 0)
    return round(float(cosines.max()), 4)
