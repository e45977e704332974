"""What the store keeps of documents and conversations."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from relais.store.accept import accept_ingestion
from relais.store.conversation import find_question, read_earlier_turns
from relais.store.documents import (
    find_document,
    find_documents,
    list_documents,
    mark_deleted,
    mark_indexed,
    put_document,
    read_content,
    read_index_signatures,
    remove_document,
)
from relais.store.settle import settle_completed
from support.seeding import accept, answer, claim, make_agent, make_worker, new_message


@pytest.fixture
def agent(engine: Engine) -> UUID:
    return make_agent(engine)


def test_an_upload_of_the_same_name_replaces_the_earlier_one(engine: Engine, agent: UUID) -> None:
    """It keeps the document's id; the same content again is recognised as unchanged."""
    with engine.begin() as conn:
        first = put_document(conn, agent, "a.md", "text/markdown", b"one")
        same = put_document(conn, agent, "a.md", "text/markdown", b"one")
        other = put_document(conn, agent, "a.md", "text/markdown", b"two")
        assert [first.unchanged, same.unchanged, other.unchanged] == [False, True, False]
        assert first.document_id == same.document_id == other.document_id
        assert read_content(conn, first.document_id) == b"two"
        assert find_document(conn, first.document_id).size_bytes == 3  # type: ignore[union-attr] # just stored


def test_agents_do_not_share_names(engine: Engine, agent: UUID) -> None:
    """Two agents may each have a document of one name."""
    with engine.begin() as conn:
        mine = put_document(conn, agent, "a.md", "text/markdown", b"one")
        theirs = put_document(conn, make_agent(engine), "a.md", "text/markdown", b"one")
    assert mine.document_id != theirs.document_id


def test_the_list_tells_how_the_newest_ingestion_went(engine: Engine, agent: UUID) -> None:
    """Documents come by name, page by page, with the state of their newest job; none before the first."""
    with engine.begin() as conn:
        ids = {name: put_document(conn, agent, name, "text/plain", b"x").document_id for name in ("c", "a", "b")}
        job_id = uuid4()
        accept_ingestion(conn, job_id=job_id, document_id=ids["b"], agent_id=agent, priority=0, max_attempts=1)
        mark_indexed(conn, ids["a"], sha256=b"x", indexed_with="m@3 c", chunks=7)
        page = list_documents(conn, agent, limit=2)
        rest = list_documents(conn, agent, after=page[-1].name, limit=2)
    assert [(document.name, document.status, document.chunks, document.indexed) for document in page + rest] == [
        ("a", None, 7, True),
        ("b", "pending", None, False),
        ("c", None, None, False),
    ]
    assert page[1].job_id == job_id


def test_a_document_marked_as_deleted_is_hidden_and_its_name_free(engine: Engine, agent: UUID) -> None:
    """It stays findable by id until the index is clean; marking twice tells so; only a marked one can be removed."""
    with engine.begin() as conn:
        document_id = put_document(conn, agent, "a", "text/plain", b"x").document_id
        remove_document(conn, document_id)
        assert find_document(conn, document_id) is not None
        assert mark_deleted(conn, document_id)
        assert not mark_deleted(conn, document_id)
        assert list_documents(conn, agent) == []
        assert find_documents(conn, [document_id, uuid4()])[document_id].deleted_at is not None
        assert put_document(conn, agent, "a", "text/plain", b"x").document_id != document_id
        remove_document(conn, document_id)
        assert find_document(conn, document_id) is None
        assert read_content(conn, document_id) is None


def test_signatures_are_those_of_the_documents_that_answer(engine: Engine, agent: UUID) -> None:
    """Each once; none of documents that were never indexed or are marked as deleted."""
    with engine.begin() as conn:
        for name, signature in (("a", "m@3 c"), ("b", "m@3 c"), ("c", "old@2 c"), ("d", None)):
            document_id = put_document(conn, agent, name, "text/plain", b"x").document_id
            if signature:
                mark_indexed(conn, document_id, sha256=b"x", indexed_with=signature, chunks=1)
        assert set(read_index_signatures(conn, agent)) == {"m@3 c", "old@2 c"}
        mark_deleted(conn, next(document.id for document in list_documents(conn, agent) if document.name == "c"))
        assert read_index_signatures(conn, agent) == ["m@3 c"]


def test_earlier_turns_are_the_newest_answered_ones_before_the_question(engine: Engine, agent: UUID) -> None:
    """Oldest first, of this session alone, without messages that have no answer or came later."""
    worker, session_id = make_worker(engine), uuid4()
    asked = [
        new_message(agent, f"Question {number}?", session_id=session_id, new_session=number == 0) for number in range(5)
    ]
    accept(engine, [asked[0], new_message(agent, "Of another session?")])
    accept(engine, asked[1:])
    for _ in range(4):  # the other session's, and the first three of this one
        job = claim(engine, worker)
        assert job is not None
        with engine.begin() as conn:
            settle_completed(conn, job.id, job.attempt, answer(f"To {job.subject_id}"))
    with engine.connect() as conn:
        question = find_question(conn, asked[4].message_id)
        assert question is not None
        turns = read_earlier_turns(conn, session_id, before=question.seq, limit=2)
        assert find_question(conn, uuid4()) is None
    assert [(turn.question, turn.answer) for turn in turns] == [
        (f"Question {number}?", f"To {asked[number].message_id}") for number in (1, 2)
    ]
