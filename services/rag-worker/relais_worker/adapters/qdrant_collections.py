"""Which Qdrant collection holds the passages of an embedding model, and how it is laid out."""

import hashlib
import re

from qdrant_client import QdrantClient, models

from relais.errors import JobError, PermanentError
from relais_worker.adapters.qdrant_failures import failures_translated, is_conflict

PREFIX = "relais_"
TEXT_FIELD = "text"
_NOT_PLAIN = re.compile(r"[^a-z0-9.-]+")


def collection_name(model: str, size: int) -> str:
    """Name the collection of a model and vector size, such as `relais_nomic-embed-text_768`.

    Ollama reads `name` as `name:latest`. A name that had to be changed gets a hash, so that two can't meet.
    """
    model = model.removesuffix(":latest")
    plain = _NOT_PLAIN.sub("-", model.lower()).strip("-")
    if plain != model:
        plain += "-" + hashlib.sha256(model.encode()).hexdigest()[:8]
    return f"{PREFIX}{plain}_{size}"


def create_collection(client: QdrantClient, name: str, size: int, *, remote: bool) -> None:
    """Create the collection and its payload indexes where they are missing; safe to repeat and to race.

    Raises:
        PermanentError: `vector_size_mismatch` when a collection of that name has vectors of another size.
    """
    try:
        with failures_translated():
            if not client.collection_exists(name):
                vectors = models.VectorParams(size=size, distance=models.Distance.COSINE)
                client.create_collection(name, vectors_config=vectors)
    except JobError as error:
        if not is_conflict(error):  # another worker was faster
            raise
    with failures_translated():
        _check_size(client, name, size)
        _index_payload(client, name, remote=remote)


def _check_size(client: QdrantClient, name: str, size: int) -> None:
    vectors = client.get_collection(name).config.params.vectors
    found = vectors.size if isinstance(vectors, models.VectorParams) else None
    if found != size:
        raise PermanentError(
            "vector_size_mismatch",
            f"The search index's collection {name!r} holds vectors of size {found}, the embedding model makes {size}: "
            "delete the collection and ingest the documents again.",
        )


def _index_payload(client: QdrantClient, name: str, *, remote: bool) -> None:
    # The default tokenizer is the only one that local mode knows, and what a test proves there must hold on a server.
    text_index = models.TextIndexParams(type=models.TextIndexType.TEXT, scoring=True)
    client.create_payload_index(name, TEXT_FIELD, field_schema=text_index)
    if remote:  # local mode scans, and warns of indexes that have no effect
        tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "agent_id", field_schema=tenant)
        client.create_payload_index(name, "document_id", field_schema=models.PayloadSchemaType.KEYWORD)
