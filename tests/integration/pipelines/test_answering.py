"""Questions answered from real documents, by the built-in models over HTTP."""

import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from qdrant_client import models
from sqlalchemy import Engine, text

from relais.errors import PermanentError, RunAborted, TransientError
from relais.store.documents import mark_deleted
from relais_worker.adapters.ollama import Ollama, Vector
from relais_worker.progress import Progress
from support.desk import Desk
from support.progress import RecordedProgress
from support.scripted_server import END_OF_STREAM, OK_STREAM, chunk, scripted
from support.seeding import make_agent

CORPUS = Path(__file__).parent / "corpus"
DONE = chunk(b'{"message": {"content": ""}, "done": true, "done_reason": "stop"}\n')


@pytest.fixture
def shop(engine: Engine, desk: Desk) -> UUID:
    """An agent with four documents of a shop."""
    agent_id = make_agent(engine)
    desk.upload_folder(agent_id, CORPUS)
    return agent_id


QUESTIONS = {
    "How long do I have to return an article?": ("refunds.md", "30 days"),
    "What does delivery to Canada cost?": ("shipping.md", "24 CAD"),
    "How do I reset my password?": ("account.md", "Forgotten password"),
    "How long does the warranty on batteries last?": ("warranty.md", "one year"),
    "What does the status E1042 mean?": ("shipping.md", "address"),
    "When do I get my money back?": ("refunds.md", "five working days"),
    "How do I descale the espresso machine?": ("warranty.md", "descaling"),
    "What can not be returned?": ("refunds.md", "Gift cards"),
}


def test_answers_cite_the_right_document(desk: Desk, shop: UUID) -> None:
    """Retrieval finds the passage, the answer quotes it, and its citation leads back to it."""
    wrong = {}
    for question, (document, expected) in QUESTIONS.items():
        answer = desk.ask(shop, question)
        sources = [citation for citation in answer.citations if expected in citation["text"]]
        if expected not in answer.content or document not in {source["document"] for source in sources}:
            wrong[question] = answer
    assert wrong == {}


def test_what_is_written_as_it_comes_is_the_answer(desk: Desk, shop: UUID) -> None:
    """Those who watch read the same text as those who come later."""
    answer = desk.ask(shop, "What does delivery to Canada cost?")
    assert answer.grounded
    assert desk.progress.text.strip() == answer.content


def test_the_evidence_tells_how_the_answer_came_about(desk: Desk, shop: UUID) -> None:
    """Query, settings, passages with their scores, counts and times are kept as plain JSON."""
    answer = desk.ask(shop, "What does delivery to Canada cost?")
    evidence = json.loads(json.dumps(answer.evidence))
    assert evidence["query"]["phrasings"] == ["What does delivery to Canada cost?"]
    assert evidence["retrieval"] == {"embedding_model": "lexical", "top_k": 5, "score_threshold": 0.25}
    assert evidence["passages"][0].keys() >= {"index", "chunk_id", "document", "score"}
    assert evidence["cited"] == [citation["index"] for citation in answer.citations]
    assert evidence["done_reason"] == "stop"
    assert evidence["first_token_ms"] <= evidence["generate_ms"] == answer.generation_time_ms
    assert answer.model == "extractive"
    assert answer.tokens_prompt is not None
    assert answer.tokens_completion is not None


def test_a_follow_up_is_answered_with_its_context(desk: Desk, shop: UUID) -> None:
    """The question "And to Canada?" means what the question before was about."""
    session_id = uuid4()
    desk.ask(shop, "What does delivery to the United States cost?", session_id=session_id)
    answer = desk.ask(shop, "And to Canada?", session_id=session_id)
    assert "Shipping > Canada" in {citation["heading"] for citation in answer.citations}
    assert "24 CAD" in answer.content
    assert answer.evidence["earlier_turns"] == 1


def test_without_a_relevant_passage_the_agent_falls_back(desk: Desk, shop: UUID) -> None:
    """The fallback text, ungrounded, and no model is asked."""
    away = Desk(desk.engine, desk.index, desk.ollama)
    answer = away.ask(shop, "Who won the football championship yesterday?")
    assert answer.content == "I don't know."
    assert not answer.grounded
    assert answer.citations == []
    assert answer.evidence["fallback"]
    assert answer.tokens_prompt is None


def test_a_wiped_index_is_no_reason_to_say_that_nothing_is_known(desk: Desk, shop: UUID) -> None:
    """Somebody deleted the collections, or their points: the attempt fails and says why; uploads mend it."""
    for collection in desk.index.client.get_collections().collections:
        desk.index.client.delete(collection.name, models.Filter())
    for _ in ("no points", "no collection"):
        with pytest.raises(TransientError) as raised:
            desk.ask(shop, "How do I reset my password?")
        assert raised.value.reason == "passages_lost"
        for collection in desk.index.client.get_collections().collections:
            desk.index.client.delete_collection(collection.name)


def test_documents_that_were_deleted_meanwhile_are_no_loss(desk: Desk, shop: UUID) -> None:
    """Their passages left the index while the question was on its way: the agent falls back."""
    with desk.engine.begin() as conn:
        documents = list(conn.execute(text("SELECT id FROM documents")).scalars())

    class Leaving(Ollama):
        """A model server that takes so long that the documents go meanwhile."""

        def embed(self, model: str, texts: Sequence[str], progress: Progress) -> list[Vector]:
            vectors = super().embed(model, texts, progress)
            for document in documents:
                Desk(desk.engine, desk.index, desk.ollama).delete(shop, document)
            return vectors

    answer = Desk(desk.engine, desk.index, Leaving(desk.ollama.url)).ask(shop, "How do I reset my password?")
    assert (answer.content, answer.grounded) == ("I don't know.", False)


def test_an_agent_without_documents_falls_back_without_any_call(desk: Desk, engine: Engine) -> None:
    """Neither the model server nor the index is needed to know that there is nothing."""
    with scripted() as server:
        url = server.url
    answer = Desk(desk.engine, desk.index, Ollama(url)).ask(make_agent(engine), "Anything?")
    assert (answer.content, answer.grounded) == ("I don't know.", False)


def test_an_agent_that_may_answers_without_passages(desk: Desk, engine: Engine) -> None:
    """`allow_ungrounded` asks the model, and the answer says that nothing backs it."""
    agent_id = make_agent(engine, allow_ungrounded=True)
    words = chunk(b'{"message": {"content": " Hello"}, "done": false}\n')
    with scripted(OK_STREAM, words, DONE, END_OF_STREAM) as server:
        answer = Desk(desk.engine, desk.index, Ollama(server.url)).ask(agent_id, "Hi?")
    assert (answer.content, answer.grounded, answer.citations) == ("Hello", False, [])


def test_a_model_that_finds_no_answer_in_the_passages_is_not_grounded(desk: Desk, engine: Engine) -> None:
    """The model's way to give up is the agent's fallback text; it cites nothing."""
    agent_id = make_agent(engine, score_threshold=0.0)
    desk.upload_folder(agent_id, CORPUS)
    answer = desk.ask(agent_id, "Who won the football championship yesterday?")
    assert (answer.content, answer.grounded, answer.citations) == ("I don't know.", False, [])
    assert answer.evidence["passages"]


def test_an_exact_name_is_found_whatever_the_threshold(desk: Desk, engine: Engine) -> None:
    """An error code that stands in a passage makes it relevant, even where no similarity reaches the threshold."""
    agent_id = make_agent(engine, score_threshold=0.99)
    desk.upload_folder(agent_id, CORPUS)
    answer = desk.ask(agent_id, "What is E1042?")
    assert [passage["heading"] for passage in answer.evidence["passages"]] == ["Shipping > Tracking a parcel"]
    assert not desk.ask(agent_id, "What is E9999?").grounded


def test_a_deleted_document_is_not_used_from_the_moment_it_is_marked(desk: Desk, engine: Engine) -> None:
    """Its passages may still be in the index; no answer comes from them."""
    agent_id = make_agent(engine)
    ids = desk.upload_folder(agent_id, CORPUS)
    with engine.begin() as conn:
        mark_deleted(conn, ids["warranty.md"])
    answer = desk.ask(agent_id, "How long does the warranty on batteries last?")
    assert "warranty.md" not in {passage["document"] for passage in answer.evidence["passages"]}
    assert answer.evidence.get("outdated", 0) > 0


def test_passages_of_a_replaced_upload_are_not_used(desk: Desk, engine: Engine) -> None:
    """What a superseded worker wrote late belongs to no upload that counts."""
    agent_id = make_agent(engine)
    document_id = desk.upload(agent_id, "a.md", b"# Colour\n\nThe favourite colour of the shop is green.")
    with engine.begin() as conn:
        conn.execute(
            text("UPDATE documents SET content_sha256 = 'x', indexed_sha256 = 'x' WHERE id = :id"), {"id": document_id}
        )
    assert not desk.ask(agent_id, "What is the favourite colour of the shop?").grounded


def test_agents_answer_from_their_own_documents(desk: Desk, shop: UUID, engine: Engine) -> None:
    """Another agent's passages are never found."""
    other = make_agent(engine)
    desk.upload(other, "other.md", b"# Delivery\n\nWe deliver to Canada for 1 CAD.")
    assert "1 CAD" not in desk.ask(shop, "What does delivery to Canada cost?").content.replace("24 CAD", "")
    assert "1 CAD" in desk.ask(other, "What does delivery to Canada cost?").content


def test_a_changed_embedding_model_is_named_with_the_remedy(desk: Desk, engine: Engine, shop: UUID) -> None:
    """An index that the question can't be compared with is an error, not an empty result."""
    with engine.begin() as conn:
        conn.execute(text("UPDATE agents SET embedding_model = 'nomic-embed-text' WHERE id = :id"), {"id": shop})
    with pytest.raises(PermanentError, match="upload the documents again, or set the model back") as raised:
        desk.ask(shop, "What does delivery to Canada cost?")
    assert raised.value.reason == "index_outdated"


def test_an_empty_answer_is_tried_again(desk: Desk, engine: Engine) -> None:
    """A model that writes only white space has failed, not answered."""
    agent_id = make_agent(engine, allow_ungrounded=True)
    blank = chunk(b'{"message": {"content": " \\n"}, "done": false}\n')
    with (
        scripted(OK_STREAM, blank, DONE, END_OF_STREAM) as server,
        pytest.raises(TransientError) as raised,
    ):
        Desk(desk.engine, desk.index, Ollama(server.url)).ask(agent_id, "Hi?")
    assert raised.value.reason == "empty_answer"


def test_a_thinking_model_shows_signs_of_life(desk: Desk, engine: Engine) -> None:
    """Chunks without content keep the attempt from looking stalled."""
    agent_id = make_agent(engine, allow_ungrounded=True)
    thought = chunk(b'{"message": {"content": "", "thinking": "hm"}, "done": false}\n')
    words = chunk(b'{"message": {"content": "Yes"}, "done": false}\n')
    with scripted(OK_STREAM, *[thought] * 5, words, DONE, END_OF_STREAM) as server:
        thinking = Desk(desk.engine, desk.index, Ollama(server.url))
        assert thinking.ask(agent_id, "Hi?").content == "Yes"
    assert thinking.progress.beats >= 5


def test_a_cancelled_answer_stops(desk: Desk, shop: UUID) -> None:
    """`RunAborted` reaches the engine."""
    progress = RecordedProgress()
    progress.aborted = True
    with pytest.raises(RunAborted):
        desk.ask(shop, "What does delivery to Canada cost?", progress=progress)


def test_no_transaction_is_open_while_the_model_works(desk: Desk, engine: Engine) -> None:
    """A long generation must not pin a snapshot or hold a connection."""
    agent_id = make_agent(engine, allow_ungrounded=True)
    progress = _LooksAtConnections(engine)
    words = chunk(b'{"message": {"content": "Yes"}, "done": false}\n')
    with scripted(OK_STREAM, words, DONE, END_OF_STREAM) as server:
        Desk(desk.engine, desk.index, Ollama(server.url)).ask(agent_id, "Hi?", progress=progress)
    assert progress.in_transaction == [0]


class _LooksAtConnections(RecordedProgress):
    """Counts open transactions at every piece of the answer."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.in_transaction: list[int] = []

    def write(self, text_: str) -> None:
        super().write(text_)
        with self.engine.connect() as conn:
            open_now = text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'"
            )
            self.in_transaction.append(conn.execute(open_now).scalar_one())
