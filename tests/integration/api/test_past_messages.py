"""A message whose job was moved to the past answers whoever asks exactly as before."""

from collections.abc import Callable
from uuid import UUID

import httpx
import pytest

from relais.store.jobs import cancel_job
from relais.store.settle import settle_completed, settle_failed
from support.api import Api
from support.past import ended_ago, move, move_all, table_of
from support.seeding import answer, claim, make_worker
from support.waiting import wait_until

KEY = {"Idempotency-Key": "once"}
Answer = tuple[int, bytes, dict[str, str]]


def _ended(api: Api, how: str) -> str:
    """Post a message with a key and let it end."""
    message = str(api.post("Why?", headers=KEY).json()["message_id"])
    job = claim(api.engine, make_worker(api.engine))
    with api.engine.begin() as conn:
        if how == "completed":
            settle_completed(conn, job.id, 1, answer("Because."))
        elif how == "failed":
            settle_failed(conn, job.id, 1, error_code="model_rejected", error="No.")
        else:
            cancel_job(conn, job.id)
    return message


def _said(response: httpx.Response) -> Answer:
    """Status, body and headers, but for those that differ from reply to reply."""
    changing = {"date", "x-request-id"}
    return (
        response.status_code,
        response.content,
        {name: value for name, value in response.headers.items() if name not in changing},
    )


def _looks(api: Api, message: str) -> dict[str, Callable[[], httpx.Response]]:
    """Everything that a client or an operator may ask about a message, and may repeat."""
    at = f"/api/messages/{message}"
    session = api.status(message).json()["session_id"]
    tag = api.status(message).headers["etag"]
    admin = api.admin
    return {
        "status": lambda: api.status(message),
        "status, waiting": lambda: api.status(message, wait=5),
        "status, known": lambda: api.http.get(f"{at}/status", headers={"If-None-Match": tag}),
        "events": lambda: api.http.get(f"{at}/events"),
        "events, again": lambda: api.http.get(f"{at}/events", headers={"Last-Event-ID": "1:3"}),
        "explain": lambda: api.http.get(f"{at}/explain"),
        "cancel": lambda: api.http.post(f"{at}/cancel"),
        "conversation": lambda: api.http.get(f"/api/sessions/{session}/messages"),
        "replay": lambda: api.post("Why?", headers=KEY),
        "replay, waiting": lambda: api.post("Why?", headers=KEY | {"Prefer": "wait=5"}),
        "conflict": lambda: api.post("What?", headers=KEY),
        "search": lambda: api.http.get("/api/jobs", headers=admin),
        "search by id": lambda: api.http.get("/api/jobs", params={"id": message}, headers=admin),
        "preview of a retry": lambda: api.http.post("/api/jobs/retry", params={"id": message}, headers=admin),
        "life": lambda: api.http.get(f"/api/jobs/{message}", headers=admin),
    }


@pytest.mark.parametrize("how", ["completed", "failed", "cancelled"])
def test_every_answer_is_the_same_byte_for_byte(api: Api, how: str):
    """Status with ETag and waiting, stream, conversation, replay, conflict, cancel, explain, search: as before."""
    message = _ended(api, how)
    ended_ago(api.engine, [UUID(message)], "2 h")
    looks = _looks(api, message)
    before = {name: _said(look()) for name, look in looks.items()}
    assert before["status"][0] == 200
    assert how in before["status"][1].decode()
    assert before["status, known"][0] == 304
    assert move(api.engine) == [UUID(message)]
    after = {name: _said(look()) for name, look in looks.items()}
    assert [name for name in looks if before[name] != after[name]] == []
    assert table_of(api.engine, UUID(message)) == ["past_jobs"]


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_a_person_retries_a_past_message(api: Api, how: str):
    """It waits at the end of the line, with its attempts as they were, and is answered."""
    message = _ended(api, how)
    move_all(api.engine)
    waiting = api.post("First?").json()["message_id"]
    body = api.http.post(f"/api/messages/{message}/retry").raise_for_status().json()
    assert (body["status"], body["attempt"], body["error"], body["error_code"]) == ("queued", 1, None, None)
    wait_until(lambda: api.status(message).json()["queue_position"] == 2, message="behind the other")
    worker = make_worker(api.engine)
    assert str(claim(api.engine, worker).id) == waiting
    again = claim(api.engine, worker)
    assert (str(again.id), again.attempt) == (message, 2)
    with api.engine.begin() as conn:
        settle_completed(conn, again.id, 2, answer("At last."))
    done = api.status(message).json()
    assert (done["status"], done["content"], done["retry_count"]) == ("completed", "At last.", 1)


def test_a_completed_past_message_is_not_retried(api: Api):
    """409, as before its move."""
    message = _ended(api, "completed")
    before = _said(api.http.post(f"/api/messages/{message}/retry"))
    assert move_all(api.engine)
    assert _said(api.http.post(f"/api/messages/{message}/retry")) == before
    assert before[0] == 409


def test_a_conversation_goes_on_after_its_messages_are_past(api: Api):
    """The next message of the session waits, is answered, and stands after the past ones."""
    message = _ended(api, "completed")
    session = api.status(message).json()["session_id"]
    move_all(api.engine)
    following = api.post("And then?", session_id=session).json()["message_id"]
    job = claim(api.engine, make_worker(api.engine))
    with api.engine.begin() as conn:
        settle_completed(conn, job.id, 1, answer("Then this."))
    move_all(api.engine)
    turns = api.http.get(f"/api/sessions/{session}/messages").json()["messages"]
    assert [(turn["message_id"], turn["question"], turn["content"]) for turn in turns] == [
        (message, "Why?", "Because."),
        (following, "And then?", "Then this."),
    ]
