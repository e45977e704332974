"""One job's life, for operators: by ref, and with its texts for administrators alone."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text

from relais.refs import ref_of
from relais.store.api_keys import add_api_key
from relais.store.drafts import write_draft
from relais.store.settle import settle_completed, settle_failed, settle_retry
from support.seeding import answer, claim, make_worker

QUESTION, ANSWER = "What of the blue parcel?", "It is on the moon."
CITED = {"index": 1, "document": "moon.md", "chunk_id": "c", "score": 0.5, "text": "The moon has a parcel."}


@pytest.fixture
def headers(api) -> dict[str, dict[str, str]]:
    """A header for each scope."""
    with api.engine.begin() as conn:
        return {
            scope: {"Authorization": f"Bearer {add_api_key(conn, name=scope, scope=scope)}"}
            for scope in ("read", "ops", "admin")
        }


def life(api, ref, headers=None):
    """A job's life."""
    reply = api.http.get(f"/api/jobs/{ref}", headers=headers or api.admin)
    assert reply.status_code == 200, reply.text
    return reply.json()


def answered(api) -> UUID:
    """A message whose second attempt was answered."""
    message = UUID(api.post(QUESTION, user_ref="Eve", metadata={"shop": 3}).json()["message_id"])
    worker = make_worker(api.engine)
    for settle in (_fail_once, _complete):
        job = claim(api.engine, worker)
        with api.engine.begin() as conn:
            settle(conn, job.id, job.attempt)
    return message


def _fail_once(conn, job, attempt):
    settle_retry(conn, job, attempt, error_code="ollama_timeout", error="Silent.", delay_s=0)


def _complete(conn, job, attempt):
    settle_completed(conn, job, attempt, replace(answer(ANSWER), citations=[CITED], evidence={"asked": QUESTION}))


def test_a_job_tells_its_attempts_and_why_it_is_where_it_is(api):
    """Each attempt with worker, length and end; the ledger; the explanation; the figures of the answer."""
    message = answered(api)
    told = life(api, ref_of(message))
    assert (told["ref"], told["state"], told["attempt"], told["agent"]) == (ref_of(message), "completed", 2, "demo")
    assert [(a["number"], a["outcome"], a["error_code"]) for a in told["attempts"]] == [
        (1, "retry_later", "ollama_timeout"), (2, "complete", None)
    ]  # fmt: skip
    assert all(a["duration_s"] >= 0 and a["waited_s"] >= 0 and a["worker_name"] == "test" for a in told["attempts"])
    assert told["attempts"][0]["cause"] == "It failed; another attempt followed."
    steps = [event["transition"] for event in told["events"] if event["transition"] != "announce"]
    assert steps == ["accept", "claim", "retry_later", "claim", "complete"]
    assert told["explanation"]["cause"] == "completed"
    assert told["answer"] == {
        "grounded": True, "model": "extractive", "tokens_prompt": 10, "tokens_completion": 3,
        "generation_time_ms": 12, "citations": 1,
    }  # fmt: skip


def test_texts_and_whole_ids_need_the_scope_admin(api, headers):
    """With less, no question, answer, passage, user or whole id is told, wherever it might hide."""
    message = answered(api)
    session = api.status(message).json()["session_id"]
    secrets = (QUESTION, ANSWER, CITED["text"], "Eve", str(message), session)
    for scope in ("read", "ops"):
        told = life(api, ref_of(message), headers[scope])
        assert told["texts"] is None
        assert [secret for secret in secrets if secret in json.dumps(told)] == [], scope
    texts = life(api, ref_of(message), headers["admin"])["texts"]
    assert texts == {
        "job_id": str(message), "session_id": session, "question": QUESTION, "user_ref": "Eve",
        "metadata": {"shop": 3}, "draft": None, "content": ANSWER, "citations": [CITED],
        "evidence": {"asked": QUESTION},
    }  # fmt: skip
    assert life(api, str(message).upper())["texts"] == texts, "a whole id works in the place of a ref"


def test_the_earlier_message_of_a_session_is_named_by_its_ref(api, headers):
    """The explanation of a message that waits for another one would give that one's id away."""
    first = api.post().json()
    second = api.post(session_id=first["session_id"]).json()["message_id"]
    make_worker(api.engine)
    told = life(api, ref_of(second), headers["read"])
    assert told["explanation"]["cause"] == "session_busy"
    assert told["explanation"]["evidence"]["earlier"] == ref_of(first["message_id"])
    assert first["message_id"] not in json.dumps(told)
    assert (told["session"], told["queue_position"]) == (ref_of(first["session_id"]), 2)


def test_a_running_job_shows_the_answer_so_far(api):
    """Its attempt has no end yet, and the draft is among the texts."""
    message = UUID(api.post(QUESTION).json()["message_id"])
    job = claim(api.engine, make_worker(api.engine))
    with api.engine.begin() as conn:
        write_draft(conn, job.id, job.attempt, "It is")
    told = life(api, message)
    assert told["texts"]["draft"] == "It is"
    assert told["answer"] is None
    assert (told["attempts"][0]["ended"], told["attempts"][0]["duration_s"]) == (None, None)
    assert told["queue_position"] is None


def test_a_documents_job_has_a_name_and_no_texts(api):
    """The document is named; there is no question."""
    api.http.post("/api/agents/demo/documents", headers=api.admin, files=[("file", ("a.md", b"# A", "text/markdown"))])
    (job,) = api.http.get("/api/jobs?kind=ingest", headers=api.admin).json()["jobs"]
    told = life(api, ref_of(job["id"]))
    assert (told["kind"], told["document"], told["texts"], told["session"]) == ("ingest", "a.md", None, None)


def test_a_past_job_tells_its_life_too(api):
    """Where the row lies makes no difference."""
    message = answered(api)
    before = life(api, ref_of(message))
    with api.engine.begin() as conn:
        conn.execute(text("INSERT INTO past_jobs SELECT * FROM jobs"))
        conn.execute(text("DELETE FROM jobs"))
    assert life(api, ref_of(message)) == before


def test_an_unknown_a_wrong_and_an_ambiguous_ref_are_told_apart(api):
    """404, 422, and 409 for the rare ref that two jobs share; the whole id then finds the one."""
    wrong = {ref: api.http.get(f"/api/jobs/{ref}", headers=api.admin) for ref in ("0" * 12, "demo", "0" * 13)}
    assert [(one.status_code, one.json()["code"]) for one in wrong.values()] == [
        (404, "unknown_job"), (422, "invalid_request"), (422, "invalid_request")
    ]  # fmt: skip
    message = api.post().json()["message_id"]
    twin = message[:-4] + ("ffff" if message[-4:] != "ffff" else "0000")
    api.http.post("/api/agents/demo/documents", headers=api.admin, files=[("file", ("a.md", b"# A", "text/markdown"))])
    with api.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET id = CAST(:twin AS uuid) WHERE kind = 'ingest'"), {"twin": twin})
    refused = api.http.get(f"/api/jobs/{ref_of(message)}", headers=api.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "ambiguous_ref")
    assert life(api, message)["kind"] == "answer"
    assert life(api, twin)["kind"] == "ingest"


def test_a_failed_job_says_so_with_its_reason(api):
    """Error code and message are the job's own."""
    message = UUID(api.post().json()["message_id"])
    job = claim(api.engine, make_worker(api.engine))
    with api.engine.begin() as conn:
        settle_failed(conn, job.id, job.attempt, error_code="model_missing", error="No such model.")
    told = life(api, message)
    assert (told["state"], told["error_code"], told["error"]) == ("failed", "model_missing", "No such model.")
    assert told["attempts"][0]["cause"] == "It failed, and no further attempt was made."
