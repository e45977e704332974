"""Documents that are uploaded while the search index and the model server fail."""

import httpx
import pytest
from sqlalchemy import Engine, text

from relais_worker.adapters.qdrant import open_index
from relais_worker.index_signature import IndexSignature
from support.qdrant_server import QdrantServer
from support.servers import running, short_folder
from support.stack import Stack
from support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)  # a slow machine, not a hung test
_DOCUMENTS = 6
_DISTURBED = text("SELECT count(*) FROM job_events WHERE transition IN ('retry_later', 'hand_back')")
_WAITS_FOR_A_PART = text("SELECT count(*) FROM workers WHERE waiting_for <> '{}'")
_INDEXED = text("SELECT id, chunks, indexed_with FROM documents WHERE indexed_sha256 = content_sha256")


def _upload(stack: Stack, number: int) -> None:
    sections = [f"## Rule {number}.{section}\n\nShelf {section} of hall {number} is closed.\n" for section in range(9)]
    files = {"file": (f"hall-{number}.md", "\n".join(sections).encode(), "text/markdown")}
    url = f"{stack.url}/api/agents/agent/documents"
    httpx.post(url, files=files, headers=stack.admin, timeout=10).raise_for_status()


def _count(engine: Engine) -> int:
    with engine.begin() as conn:
        return int(conn.execute(_DISTURBED).scalar_one())


def _any_waits(engine: Engine) -> bool:
    with engine.begin() as conn:
        return bool(conn.execute(_WAITS_FOR_A_PART).scalar_one())


def test_documents_are_indexed_whole_and_once_whatever_dies_meanwhile(
    engine: Engine, make_stack, amqp_url: str, model_faults
):
    """Qdrant killed, a model server that fails every other call: the index misses nothing, and has nothing twice."""
    with short_folder("qdrant") as folder, running(QdrantServer(folder)) as qdrant:
        stack = make_stack(amqp_url, RELAIS_QDRANT_URL=qdrant.url, RELAIS_QDRANT_TIMEOUT_S="2")
        stack.start_api()
        stack.make_agent(retry_backoff_s=0.5, max_attempts=20)
        stack.start_sweeper()
        stack.start_worker()
        stack.start_worker()
        model_faults.inject(error_rate=0.5, error_status=500)
        for number in range(_DOCUMENTS):
            _upload(stack, number)
        wait_until(lambda: _count(engine), 30, "an ingestion was disturbed")
        qdrant.kill()
        disturbed = _count(engine)
        noticed = "an ingestion, or the worker's own probe, noticed that the index is away"
        wait_until(lambda: _count(engine) > disturbed or _any_waits(engine), 30, noticed)
        qdrant.start()
        model_faults.end()
        _assert_indexed(engine, qdrant)


def _assert_indexed(engine: Engine, qdrant: QdrantServer) -> None:
    def indexed():
        with engine.begin() as conn:
            rows = conn.execute(_INDEXED).all()
        return rows if len(rows) == _DOCUMENTS else None

    rows = wait_until(indexed, 60, "every document is indexed")
    index = open_index(qdrant.url)
    for document_id, chunks, indexed_with in rows:
        signature = IndexSignature.read(indexed_with)
        assert index.count(signature.model, signature.size, document_id) == chunks
    index.close()
