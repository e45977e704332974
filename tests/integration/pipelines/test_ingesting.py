"""Documents on their way into the index and out of it."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from relais.errors import PermanentError, RunAborted, TransientError
from relais.store.documents import Document, find_document, list_documents
from relais_worker.adapters.ollama import Ollama
from relais_worker.adapters.qdrant import PassageIndex
from relais_worker.ingesting.chunk import Chunking
from support.desk import Desk
from support.pdfs import make_pdf
from support.progress import RecordedProgress
from support.scripted_server import scripted
from support.seeding import make_agent

SMALL = Chunking(max_tokens=40, overlap_tokens=0)


@pytest.fixture
def agent(engine: Engine) -> UUID:
    return make_agent(engine)


def stored(desk: Desk, document_id: UUID) -> Document:
    with desk.engine.connect() as conn:
        document = find_document(conn, document_id)
    assert document is not None
    return document


def passages(desk: Desk, document_id: UUID) -> dict[str, dict[str, object]]:
    """Every passage of a document in the index, by chunk id."""
    found: dict[str, dict[str, object]] = {}
    for collection in desk.index.client.get_collections().collections:
        points, _ = desk.index.client.scroll(collection.name, limit=1000)
        found |= {str(point.id): dict(point.payload or {}) for point in points}
    return {key: payload for key, payload in found.items() if payload["document_id"] == str(document_id)}


def without_models(desk: Desk) -> Desk:
    """The same desk while the model server is away."""
    with scripted() as server:
        url = server.url
    return Desk(desk.engine, desk.index, Ollama(url))


def sentences(count: int) -> bytes:
    return " ".join(f"Sentence {number} has some words." for number in range(count)).encode()


class DiesAfterBeats(RecordedProgress):
    """Lets an attempt be cancelled in the middle of its work."""

    def __init__(self, beats: int) -> None:
        super().__init__()
        self.last_beat = beats

    def beat(self) -> None:
        super().beat()
        self.aborted = self.beats >= self.last_beat


def test_a_document_is_indexed_with_its_sections(desk: Desk, agent: UUID) -> None:
    """Each section becomes a passage with agent, document, place, headings and text; the row says so."""
    document_id = desk.upload(agent, "shop.md", b"# Shop\n\nHello.\n\n## Refunds\n\n30 days.")
    found = sorted(passages(desk, document_id).values(), key=lambda payload: str(payload["position"]))
    assert [(payload["heading"], payload["text"]) for payload in found] == [
        ("Shop", "# Shop\nHello."),
        ("Shop > Refunds", "# Shop > Refunds\n30 days."),
    ]
    assert {(payload["agent_id"], payload["document"]) for payload in found} == {(str(agent), "shop.md")}
    document = stored(desk, document_id)
    assert document.chunks == 2
    assert document.indexed_sha256 == document.content_sha256
    assert document.indexed_with == "lexical@384 sections-1/320/60"


def test_every_readable_format_reaches_the_index(desk: Desk, agent: UUID) -> None:
    """Markdown, text, HTML and PDF; the page of a PDF stands in the passage's heading."""
    contents = {
        "a.md": b"# A\n\nMarkdown words.",
        "a.txt": b"Plain words.",
        "a.html": b"<html><body><h1>A</h1><p>Hypertext words.</p></body></html>",
        "a.pdf": make_pdf(["Page one words.", "Page two words."]),
    }
    ids = [desk.upload(agent, name, content) for name, content in contents.items()]
    found = [payload for document_id in ids for payload in passages(desk, document_id).values()]
    assert sorted(str(payload["text"]) for payload in found) == [
        "# A\nHypertext words.",
        "# A\nMarkdown words.",
        "Page one words.",
        "Page two words.",
        "Plain words.",
    ]
    assert {payload["heading"] for payload in found if payload["document"] == "a.pdf"} == {"page 1", "page 2"}


def test_a_document_that_cannot_be_read_fails_alone(desk: Desk, agent: UUID) -> None:
    """It says which file and why; the others are listed as they were."""
    good = desk.upload(agent, "good.md", b"Words.")
    with pytest.raises(PermanentError, match=r"^bad\.pdf: the file is named as a PDF but isn't one") as raised:
        desk.upload(agent, "bad.pdf", b"no pdf")
    assert raised.value.reason == "unreadable_document"
    with desk.engine.connect() as conn:
        listed = list_documents(conn, agent)
    assert [(document.name, document.status, document.indexed) for document in listed] == [
        ("bad.pdf", "failed", False),
        ("good.md", "completed", True),
    ]
    assert len(passages(desk, good)) == 1


def test_an_unchanged_document_is_not_embedded_again(desk: Desk, agent: UUID) -> None:
    """The second ingestion succeeds without any call to the model server."""
    document_id = desk.upload(agent, "a.md", b"Words.")
    without_models(desk).ingest(agent, document_id)
    assert len(passages(desk, document_id)) == 1


def test_a_wiped_index_is_noticed(desk: Desk, agent: UUID) -> None:
    """An unchanged document whose passages are gone is indexed again."""
    document_id = desk.upload(agent, "a.md", b"Words.")
    desk.index.delete_document(document_id)
    desk.ingest(agent, document_id)
    assert len(passages(desk, document_id)) == 1


def test_a_new_upload_replaces_the_old_passages_and_keeps_what_is_unchanged(desk: Desk, agent: UUID) -> None:
    """The same document id; unchanged sections keep their chunk, changed ones are replaced, dropped ones go."""
    document_id = desk.upload(agent, "a.md", b"# A\n\nOne.\n\n# B\n\nTwo.\n\n# C\n\nThree.")
    before = passages(desk, document_id)
    assert desk.upload(agent, "a.md", b"# B\n\nTwo.\n\n# C\n\nFour.") == document_id
    after = passages(desk, document_id)
    assert sorted(str(payload["text"]) for payload in after.values()) == ["# B\nTwo.", "# C\nFour."]
    assert len(before.keys() & after.keys()) == 1
    assert stored(desk, document_id).chunks == 2


def test_another_way_of_cutting_or_another_model_indexes_anew(desk: Desk, engine: Engine) -> None:
    """The index is made anew when it was made with something else, although the content is the same."""
    agent = make_agent(engine)
    document_id = desk.upload(agent, "a.txt", sentences(20))
    coarse = passages(desk, document_id)
    desk.ingest(agent, document_id, chunking=SMALL)
    fine = passages(desk, document_id)
    assert len(fine) > len(coarse)
    assert not fine.keys() & coarse.keys()


def test_an_attempt_that_dies_halfway_is_continued(desk: Desk, agent: UUID) -> None:
    """What the first attempt stored stays; after the second the index is as if nothing had happened."""
    content = "\n\n".join(f"# Section {number}\n\nText number {number}." for number in range(80)).encode()
    document_id = desk.put(agent, "long.md", content)
    with pytest.raises(RunAborted):
        desk.ingest(agent, document_id, progress=DiesAfterBeats(3))
    assert 0 < len(passages(desk, document_id)) < 80
    assert stored(desk, document_id).indexed_sha256 is None
    desk.ingest(agent, document_id)
    assert len(passages(desk, document_id)) == stored(desk, document_id).chunks == 80


def test_a_failed_replacement_leaves_the_old_version_usable(desk: Desk, agent: UUID) -> None:
    """While the model server is away, answers go on coming from what the index has."""
    document_id = desk.upload(agent, "a.md", b"Old words.")
    desk.put(agent, "a.md", b"New words.")
    with pytest.raises(TransientError):
        without_models(desk).ingest(agent, document_id)
    assert [payload["text"] for payload in passages(desk, document_id).values()] == ["Old words."]
    assert stored(desk, document_id).indexed_sha256 is not None


def test_a_deleted_document_leaves_index_and_database(desk: Desk, agent: UUID) -> None:
    """First the passages go, then the row; its name is free again, and removing what is gone succeeds."""
    document_id = desk.upload(agent, "a.md", b"Words.")
    desk.delete(agent, document_id)
    with desk.engine.connect() as conn:
        assert find_document(conn, document_id) is None
    assert passages(desk, document_id) == {}
    desk.ingest(agent, document_id)
    assert desk.upload(agent, "a.md", b"Words.") != document_id


def test_a_missing_embedding_model_fails_the_document_for_good(desk: Desk, engine: Engine) -> None:
    """The error names the model and how to install it."""
    agent = make_agent(engine, embedding_model="absent")
    with pytest.raises(PermanentError, match="`ollama pull absent`"):
        desk.upload(agent, "a.md", b"Words.")


def test_a_cancelled_ingestion_stops_at_the_next_batch(desk: Desk, agent: UUID) -> None:
    """Nothing is recorded as indexed."""
    document_id = desk.put(agent, "a.md", b"Words.")
    progress = RecordedProgress()
    progress.aborted = True
    with pytest.raises(RunAborted):
        desk.ingest(agent, document_id, progress=progress)
    assert stored(desk, document_id).indexed_with is None


def test_a_document_that_never_was_is_no_failure(desk: Desk, agent: UUID, index: PassageIndex) -> None:
    """A job may outlive its document."""
    desk.ingest(agent, uuid4())
    assert index.client.get_collections().collections == []
