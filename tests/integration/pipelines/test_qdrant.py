"""The border to Qdrant: hybrid search in local mode, and how a server's failures are named."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from qdrant_client import models

from relais.errors import JobError, PartAwayError, PermanentError, TransientError
from relais_cli.parts.ports import free_port
from relais_worker.adapters.qdrant import Passage, PassageIndex, open_index
from relais_worker.adapters.qdrant_collections import collection_name
from support.qdrant_server import QdrantServer
from support.scripted_server import http_reply, scripted
from support.servers import running, short_folder

MODEL = "tiny"
SHOP, OTHER_SHOP = uuid4(), uuid4()
OTHER_SIZE = b'{"status": {"error": "Wrong input: Vector dimension error: expected dim: 7, got 3"}, "time": 0.0}'
FOREIGN = b'{"result": {"points": [{"id": 1, "version": 0, "score": 1, "payload": {"text": 5}, "vector": [1]}]}}'


@pytest.fixture(scope="module")
def qdrant() -> Iterator[QdrantServer]:
    with short_folder("qdrant") as folder, running(QdrantServer(folder)) as server:
        yield server


@pytest.fixture(params=["folder", "server"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PassageIndex]:
    """The same behaviour is asked of local mode and of a server; an empty index."""
    if request.param == "folder":
        opened = open_index(str(tmp_path / "qdrant"))
    else:
        opened = open_index(request.getfixturevalue("qdrant").url)
        for collection in opened.client.get_collections().collections:
            opened.client.delete_collection(collection.name)
    yield opened
    opened.close()


def passage(text: str, *, agent_id: UUID = SHOP, document_id: UUID | None = None, chunk_id: str = "") -> Passage:
    return Passage(
        chunk_id=chunk_id or str(uuid4()),
        agent_id=str(agent_id),
        document_id=str(document_id or uuid4()),
        document="doc.md",
        sha256="00",
        position=0,
        heading="",
        text=text,
    )


def texts(index: PassageIndex, vector: list[float], words: str, agent_id: UUID = SHOP, limit: int = 10) -> list[str]:
    return [hit.passage.text for hit in index.search(MODEL, agent_id, [vector], words, limit)]


def test_search_finds_by_meaning_and_by_words(index: PassageIndex) -> None:
    """A passage near in vector space and one that holds the words are both found; what is both comes first."""
    both, near, worded = passage("refund soon"), passage("alpha"), passage("refund policy")
    index.put(MODEL, [both, near, worded], [[1, 0, 0], [0.9, 0.1, 0], [0, 0, 1]])
    found = texts(index, [1, 0, 0], "refund")
    assert found[0] == "refund soon"
    assert set(found) == {"alpha", "refund policy", "refund soon"}


def test_a_hit_carries_the_cosine_similarity_of_the_nearest_phrasing(index: PassageIndex) -> None:
    """The score means the same for every query, which a fused rank doesn't; vectors need no unit length."""
    index.put(MODEL, [passage("alpha")], [[3, 4, 0]])
    (hit,) = index.search(MODEL, SHOP, [[0, 0, 1], [10, 0, 0]], "nothing", 10)
    assert hit.score == pytest.approx(0.6)


def test_agents_do_not_see_one_another(index: PassageIndex) -> None:
    """Passages in one collection are kept apart by agent."""
    index.put(MODEL, [passage("ours"), passage("theirs", agent_id=OTHER_SHOP)], [[1, 0, 0], [1, 0, 0]])
    assert texts(index, [1, 0, 0], "ours theirs") == ["ours"]
    assert texts(index, [1, 0, 0], "ours theirs", OTHER_SHOP) == ["theirs"]


def test_a_search_without_words_or_collection_is_no_failure(index: PassageIndex) -> None:
    """Punctuation searches by meaning alone; an embedding model that nothing was stored with finds nothing."""
    assert texts(index, [1, 0, 0], "???") == []
    index.put(MODEL, [passage("alpha")], [[1, 0, 0]])
    assert texts(index, [1, 0, 0], "???") == ["alpha"]


def test_putting_a_chunk_again_replaces_it(index: PassageIndex) -> None:
    """Chunk ids are points: a repeated attempt makes no doubles."""
    again = str(uuid4())
    document_id = uuid4()
    for text in ("old", "new"):
        index.put(MODEL, [passage(text, chunk_id=again, document_id=document_id)], [[1, 0, 0]])
    assert index.count(MODEL, 3, document_id) == 1
    assert texts(index, [1, 0, 0], "new") == ["new"]


def test_vectors_of_known_chunks_are_handed_back(index: PassageIndex) -> None:
    """Only chunks that are stored have one."""
    known = passage("alpha")
    index.put(MODEL, [known], [[1, 0, 0]])
    assert index.vectors_of(MODEL, 3, [known.chunk_id, str(uuid4())]) == {known.chunk_id: [1, 0, 0]}


def test_stale_chunks_go_and_those_of_other_documents_stay(index: PassageIndex) -> None:
    """`keep_only` clears what a document no longer has, in this model's collection and in all others."""
    document_id = uuid4()
    kept, stale = passage("kept", document_id=document_id), passage("stale", document_id=document_id)
    index.put(MODEL, [kept, stale, passage("other")], [[1, 0, 0]] * 3)
    index.put("earlier-model", [kept], [[1, 0]])
    index.keep_only(MODEL, 3, document_id, [kept.chunk_id])
    assert set(texts(index, [1, 0, 0], "x")) == {"kept", "other"}
    assert index.count("earlier-model", 2, document_id) == 0


def test_a_document_is_deleted_from_every_collection(index: PassageIndex) -> None:
    """Whatever models it was embedded with."""
    document_id = uuid4()
    for model, size in ((MODEL, 3), ("earlier-model", 2)):
        index.put(model, [passage("x", document_id=document_id), passage("y")], [[1.0] * size] * 2)
    index.delete_document(document_id)
    assert index.count(MODEL, 3, document_id) == 0
    assert index.count("earlier-model", 2, document_id) == 0
    assert texts(index, [1, 0, 0], "y") == ["y"]


def test_passages_survive_a_restart(tmp_path: Path) -> None:
    """Local mode keeps points and the text index in its folder."""
    folder = str(tmp_path / "qdrant")
    first = open_index(folder)
    first.put(MODEL, [passage("alpha")], [[1, 0, 0]])
    first.close()
    second = open_index(folder)
    assert texts(second, [0, 1, 0], "alpha") == ["alpha"]
    second.close()


def test_passages_survive_a_power_cut_of_the_server() -> None:
    """What was stored before a kill is found after the restart, by the client of before."""
    with short_folder("qdrant") as folder, running(QdrantServer(folder)) as server:
        remote = open_index(server.url)
        remote.put(MODEL, [passage("alpha")], [[1, 0, 0]])
        server.kill()
        with pytest.raises(TransientError, match="can't be reached"):
            texts(remote, [1, 0, 0], "alpha")
        server.start()
        assert texts(remote, [1, 0, 0], "alpha") == ["alpha"]
        remote.close()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # qdrant-client leaves the lock file open
def test_a_folder_in_use_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Two processes would corrupt it; the error says what several workers need."""
    first = open_index(str(tmp_path / "qdrant"))
    with pytest.raises(PermanentError, match="RELAIS_QDRANT_URL to a Qdrant server"):
        open_index(str(tmp_path / "qdrant"))
    first.close()


def test_an_index_bears_many_threads(index: PassageIndex) -> None:
    """Searches and writes of several worker threads don't disturb one another, in local mode as on a server."""
    failures: list[Exception] = []
    document_id = uuid4()

    def work(number: int) -> None:
        try:
            for step in range(10):
                index.put(MODEL, [passage(f"text {number} {step}", document_id=document_id)], [[1, number, step]])
                index.search(MODEL, SHOP, [[1, 0, 0]], "text", 5)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it must reach the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert index.count(MODEL, 3, document_id) == 60


def test_a_collection_of_another_vector_size_is_refused_with_the_remedy(index: PassageIndex) -> None:
    """Somebody made it by hand, or restored the wrong one."""
    wrong = models.VectorParams(size=7, distance=models.Distance.COSINE)
    index.client.create_collection(collection_name(MODEL, 3), vectors_config=wrong)
    with pytest.raises(PermanentError, match="delete the collection and ingest the documents again") as raised:
        index.put(MODEL, [passage("x")], [[1, 0, 0]])
    assert raised.value.reason == "vector_size_mismatch"


@pytest.mark.parametrize("index", ["server"], indirect=True)
def test_a_collection_that_somebody_resizes_is_told_with_the_remedy(index: PassageIndex) -> None:
    """A search notices it too, with the error code of an ingestion."""
    index.put(MODEL, [passage("x")], [[1, 0, 0]])
    name, wrong = collection_name(MODEL, 3), models.VectorParams(size=7, distance=models.Distance.COSINE)
    index.client.delete_collection(name)
    index.client.create_collection(name, vectors_config=wrong)
    with pytest.raises(PermanentError, match="delete the collection and upload the documents again") as raised:
        texts(index, [1, 0, 0], "x")
    assert raised.value.reason == "vector_size_mismatch"


def test_a_collection_that_somebody_deletes_is_made_again(index: PassageIndex) -> None:
    """The attempt that notices fails as transient, the next one finds a new collection."""
    index.put(MODEL, [passage("x")], [[1, 0, 0]])
    index.client.delete_collection(collection_name(MODEL, 3))
    with pytest.raises(TransientError) as raised:
        index.vectors_of(MODEL, 3, [str(uuid4())])
    assert raised.value.reason == "qdrant_collection_lost"
    index.put(MODEL, [passage("alpha")], [[1, 0, 0]])
    assert texts(index, [1, 0, 0], "alpha") == ["alpha"]


def test_collections_are_named_by_model_and_size() -> None:
    """Names are plain, `:latest` means nothing, and models whose names look alike don't share a collection."""
    assert collection_name("nomic-embed-text:latest", 768) == "relais_nomic-embed-text_768"
    awkward = [collection_name(model, 8) for model in ("a/b", "a:b", "A-B", "a-b")]
    assert len(set(awkward)) == 4
    assert all("/" not in name and ":" not in name for name in awkward)


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        (http_reply("503 Service Unavailable"), PartAwayError, "qdrant_overloaded"),
        (http_reply("429 Too Many Requests"), PartAwayError, "qdrant_overloaded"),
        (http_reply("500 Internal Server Error", b"{}"), PartAwayError, "qdrant_server_error"),
        (http_reply("200 OK", b"no json"), TransientError, "qdrant_server_error"),
        (http_reply("200 OK", b'\xff\xfe{"result"'), TransientError, "qdrant_server_error"),
        (http_reply("200 OK", b'{"result": "x"}'), TransientError, "qdrant_server_error"),
        (http_reply("200 OK", b'{"status": "ok"}'), TransientError, "qdrant_server_error"),
        (http_reply("200 OK", b"[" * 100_000), TransientError, "qdrant_server_error"),
        (http_reply("200 OK", FOREIGN), TransientError, "qdrant_server_error"),
        (http_reply("404 Not Found", b"<html>no such page</html>", "text/html"), PermanentError, "qdrant_refused"),
        (http_reply("401 Unauthorized"), PermanentError, "qdrant_refused"),
        (http_reply("400 Bad Request", b'{"status": {"error": "Format error"}}'), PermanentError, "qdrant_refused"),
        (http_reply("400 Bad Request", OTHER_SIZE), PermanentError, "vector_size_mismatch"),
        (b"", PartAwayError, "qdrant_unreachable"),
    ],
    ids=[
        *("503", "429", "500", "garbage", "no text", "another shape", "no result", "too deep", "foreign point"),
        *("404 of another server", "401", "400", "vectors of another size", "hangs up"),
    ],
)
def test_a_servers_refusal_is_translated_once(reply: bytes, kind: type[JobError], reason: str) -> None:
    """Overload and the server's own failures may pass; a wrong key or an old server won't."""
    with scripted(reply) as server:
        remote = open_index(server.url)
        with pytest.raises(kind) as raised:
            remote.search(MODEL, SHOP, [[1, 0, 0]], "x", 5)
        remote.close()
    assert type(raised.value) is kind
    assert raised.value.reason == reason


def test_a_refusal_is_told_in_text_that_the_database_takes() -> None:
    """A cause with U+0000 could not be stored with the job."""
    with scripted(http_reply("400 Bad Request", b"bad\x00ness")) as server:
        remote = open_index(server.url)
        with pytest.raises(PermanentError, match="badness"):
            remote.search(MODEL, SHOP, [[1, 0, 0]], "x", 5)
        remote.close()


def test_a_server_that_is_away_or_silent_is_transient() -> None:
    """No call to the index can hang a worker."""
    with scripted(30.0) as server:
        remote = open_index(server.url, timeout_s=1)
        with pytest.raises(TransientError) as silent:
            remote.search(MODEL, SHOP, [[1, 0, 0]], "x", 5)
    with pytest.raises(TransientError) as away:
        remote.search(MODEL, SHOP, [[1, 0, 0]], "x", 5)
    remote.close()
    assert (silent.value.reason, away.value.reason) == ("qdrant_timeout", "qdrant_unreachable")


def test_a_missing_collection_on_a_server_finds_nothing() -> None:
    """The collection comes with the first ingestion."""
    with scripted(
        http_reply("404 Not Found", b'{"status": {"error": "Not found: Collection `a` doesn\'t exist!"}}')
    ) as server:
        remote = open_index(server.url)
        assert remote.search(MODEL, SHOP, [[1, 0, 0]], "x", 5) == []
        remote.close()


def test_a_server_is_asked_for_both_rankings_in_one_query() -> None:
    """Dense and BM25 are fused by the server, within the agent's passages."""
    with scripted(http_reply("200 OK", b'{"result": {"points": []}, "status": "ok", "time": 0}')) as server:
        remote = open_index(server.url)
        remote.search(MODEL, SHOP, [[1, 0, 0], [0, 1, 0]], "refund", 5)
        remote.close()
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    sent = json.loads(body)
    assert head.startswith(b"POST /collections/relais_tiny_3/points/query")
    assert [fetch.get("using") for fetch in sent["prefetch"]] == [None, None, "text"]
    assert sent["prefetch"][2]["query"] == {"text": "refund"}
    assert sent["query"] == {"fusion": "rrf"}
    assert sent["filter"]["must"] == [{"key": "agent_id", "match": {"value": str(SHOP)}}]


def test_the_probe_tells_a_server_that_is_gone_from_one_that_answers() -> None:
    """A refused connection never reached it; any answer is a sign of life."""
    gone = open_index(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PartAwayError) as raised:
        gone.probe()
    gone.close()
    assert (raised.value.reason, raised.value.reached) == ("qdrant_unreachable", False)
    with scripted(http_reply("200 OK", b'{"result": {"collections": []}, "status": "ok", "time": 0.0}')) as server:
        there = open_index(server.url)
        there.probe()
        there.close()


def test_a_call_does_not_go_over_a_connection_that_rested() -> None:
    """A server ends connections that rest, and may do so while a further call is on its way, which costs an attempt."""
    empty = http_reply("200 OK", b'{"result": {"points": []}, "status": "ok", "time": 0}')
    with scripted(empty, 30.0) as server:  # what comes on the same connection thereafter is reset
        # Spelled so that qdrant-client doesn't know this machine, for which it keeps no connection anyway.
        remote = open_index(server.url.replace("127.0.0.1", "127.1"))
        found = [remote.search(MODEL, SHOP, [[1, 0, 0]], "refund", 5) for _ in range(2)]
        remote.close()
    assert found == [[], []]
