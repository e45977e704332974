"""A message's status tells where it is, cheaply for those who ask again."""

import threading
import time

import pytest

from relais.store.settle import settle_completed, settle_retry
from support.seeding import answer, claim, make_worker
from support.waiting import wait_until


def complete(api, content="Yes [1]."):
    """Have a worker answer the next message; return its id."""
    job = claim(api.engine, make_worker(api.engine))
    with api.engine.begin() as conn:
        settle_completed(conn, job.id, job.attempt, answer(content))
    return job.id


def test_the_body_has_every_field_of_the_contract(api):
    """All names of API.md are there, also while they are null."""
    body = api.status(api.post().json()["message_id"]).json()
    assert list(body) == [
        "message_id", "session_id", "status", "queue_position", "eta_seconds", "queued_at", "processing_started_at",
        "processing_completed_at", "content", "citations", "grounded", "model", "tokens_prompt", "tokens_completion",
        "generation_time_ms", "error", "error_code", "retry_count", "attempt", "next_attempt_at",
        "waiting_for",
    ]  # fmt: skip
    assert body["queued_at"].endswith("Z")
    assert [name for name, value in body.items() if value is None] == [
        "eta_seconds", "processing_started_at", "processing_completed_at", *list(body)[8:17], "next_attempt_at",
        "waiting_for",
    ]  # fmt: skip


def test_a_message_is_followed_to_its_answer(api):
    """Position while waiting, none while processing, the answer at the end."""
    message_id = api.post().json()["message_id"]
    job = claim(api.engine, make_worker(api.engine))
    running = api.status(message_id).json()
    assert (running["status"], running["queue_position"], running["attempt"]) == ("processing", None, 1)
    with api.engine.begin() as conn:
        settle_completed(conn, job.id, job.attempt, answer("Because."))
    done = api.status(message_id)
    assert (
        done.json() | {"status": "completed", "content": "Because.", "grounded": True, "citations": []} == done.json()
    )
    assert done.json()["processing_completed_at"] >= done.json()["processing_started_at"]
    assert "retry-after" not in done.headers


def test_a_failure_says_why_and_when_it_goes_on(api):
    """A transient failure shows its error and the time of the next attempt; the message keeps its place."""
    message_id = api.post().json()["message_id"]
    job = claim(api.engine, make_worker(api.engine))
    with api.engine.begin() as conn:
        settle_retry(conn, job.id, job.attempt, error_code="ollama_away", error="Ollama is away.", delay_s=60)
    response = api.status(message_id)
    body = response.json()
    assert (body["status"], body["error_code"], body["error"]) == ("queued", "ollama_away", "Ollama is away.")
    assert body["next_attempt_at"] > body["queued_at"]
    assert body["queue_position"] == 1
    assert 1 <= int(response.headers["retry-after"]) <= 30


def test_an_unchanged_status_is_not_sent_again(api):
    """304 for the tag that the client has; the body again once anything changed."""
    message_id = api.post().json()["message_id"]
    tag = api.status(message_id).headers["etag"]
    path = f"/api/messages/{message_id}/status"
    unchanged = api.http.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag)
    complete(api)
    changed = api.http.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["status"]) == (200, "completed")


def test_waiting_returns_as_soon_as_something_changes(api):
    """`?wait=20` answers within a second of the change."""
    message_id = api.post().json()["message_id"]
    timer = threading.Timer(0.3, complete, [api])
    timer.start()
    began = time.monotonic()
    body = api.status(message_id, wait=20).json()
    timer.join()
    assert body["status"] in {"processing", "completed"}
    assert time.monotonic() - began < 5


def test_waiting_with_an_outdated_tag_returns_at_once(api):
    """What the client doesn't know yet needs no waiting."""
    message_id = api.post().json()["message_id"]
    began = time.monotonic()
    response = api.http.get(f"/api/messages/{message_id}/status?wait=20", headers={"If-None-Match": 'W/"old"'})
    assert response.status_code == 200
    assert time.monotonic() - began < 5


def test_waiting_in_vain_ends_with_304(api):
    """Nothing changed within `wait` seconds and the client knows it all."""
    message_id = api.post().json()["message_id"]
    tag = api.status(message_id).headers["etag"]
    response = api.http.get(f"/api/messages/{message_id}/status?wait=1", headers={"If-None-Match": tag})
    assert response.status_code == 304


@pytest.mark.parametrize("wait", ["-1", "x", "1.5"])
def test_a_bad_wait_is_named(refusing_api, wait):
    """422 for a wait that is no number of seconds."""
    assert refusing_api.status(refusing_api.post().json()["message_id"], wait=wait).status_code == 422


def test_prefer_wait_brings_the_answer_itself(api):
    """200 with the status body and `Preference-Applied` when the answer comes in time."""
    stop = threading.Event()

    def work():
        worker_id = make_worker(api.engine)
        while not stop.wait(0.05):
            job = claim(api.engine, worker_id)
            if job:
                with api.engine.begin() as conn:
                    settle_completed(conn, job.id, job.attempt, answer("In time."))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        response = api.post(headers={"Prefer": "respond-async, wait=15"})
    finally:
        stop.set()
        worker.join()
    assert (response.status_code, response.json()["content"]) == (200, "In time.")
    assert response.headers["preference-applied"] == "wait=15"


@pytest.mark.parametrize("prefer", ["wait=1", "wait=0", "respond-async", "wait=abc", "wait"])
def test_prefer_without_an_answer_in_time_gets_the_receipt(api, prefer):
    """202 as without the preference, also for one that can't be understood."""
    response = api.post(headers={"Prefer": prefer})
    assert (response.status_code, response.json()["status"]) == (202, "queued")
    assert "preference-applied" not in response.headers


def test_cancel_is_idempotent_and_final(api):
    """202 with the status body, the first time, the second, and after the end."""
    message_id = api.post().json()["message_id"]
    replies = [api.http.post(f"/api/messages/{message_id}/cancel") for _ in range(2)]
    assert [(reply.status_code, reply.json()["status"]) for reply in replies] == [(202, "cancelled")] * 2
    api.post()
    done = complete(api)
    late = api.http.post(f"/api/messages/{done}/cancel")
    assert (late.status_code, late.json()["status"]) == (202, "completed")


def test_a_running_message_can_be_cancelled(api):
    """The worker's result is dropped afterwards."""
    message_id = api.post().json()["message_id"]
    job = claim(api.engine, make_worker(api.engine))
    assert api.http.post(f"/api/messages/{message_id}/cancel").json()["status"] == "cancelled"
    with api.engine.begin() as conn:
        settle_completed(conn, job.id, job.attempt, answer())
    assert api.status(message_id).json()["content"] is None


def test_only_what_failed_or_was_cancelled_can_be_retried(api):
    """202 puts it back at the end of the line; 409 names the state otherwise."""
    message_id = api.post().json()["message_id"]
    refused = api.http.post(f"/api/messages/{message_id}/retry")
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (409, "wrong_state", "queued")
    api.http.post(f"/api/messages/{message_id}/cancel")
    api.post()
    retried = api.http.post(f"/api/messages/{message_id}/retry")
    assert (retried.status_code, retried.json()["status"]) == (202, "queued")
    assert retried.json()["processing_completed_at"] is None
    wait_until(lambda: api.status(message_id).json()["queue_position"] == 2)


def test_the_conversation_comes_oldest_first_in_pages(api):
    """`next_cursor` leads on and is null on the last page; answers stand beside their questions."""
    session_id = api.post("Question 0").json()["session_id"]
    for n in range(1, 5):
        api.post(f"Question {n}", session_id=session_id)
    complete(api, "Answer 0")
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.http.get(f"/api/sessions/{session_id}/messages", params=params).json()
        seen += page["messages"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [turn["question"] for turn in seen] == [f"Question {n}" for n in range(5)]
    assert [turn["content"] for turn in seen] == ["Answer 0", None, None, None, None]
    assert page["session_id"] == session_id
