"""Explanations over HTTP, from rows as the engine writes them."""

from uuid import uuid4

from sqlalchemy import Engine, text

from relais.store.leases import beat
from relais.store.pausing import pause_queue
from relais.store.settle import settle_completed, settle_failed, settle_retry
from relais.store.sweep import note_heartbeat
from relais.store.workers import say_goodbye
from support.seeding import answer, claim, make_worker
from support.waiting import wait_until


def _do(engine: Engine, function, *args, **kwargs):
    with engine.begin() as conn:
        return function(conn, *args, **kwargs)


def _sql(engine: Engine, statement: str, **values: object) -> None:
    _do(engine, lambda conn: conn.execute(text(statement), values))


def _explain(api, message_id: object) -> dict:
    reply = api.http.get(f"/api/messages/{message_id}/explain")
    assert reply.status_code == 200, reply.text
    return reply.json()


def _cause(api, message_id: object) -> str:
    return _explain(api, message_id)["cause"]


def test_a_message_is_explained_from_its_acceptance_to_its_answer(api):
    """No worker, in line, next, running, completed: each with what shows it."""
    _do(api.engine, note_heartbeat, "sweeper", {})  # else, after a while, its absence would be the cause
    first, second = (api.post().json()["message_id"] for _ in range(2))
    found = _explain(api, second)
    assert (found["cause"], found["evidence"]["last_worker_seen_s"]) == ("no_worker", None)
    assert "RELAIS_WORKER_QUEUES" in found["next_step"]
    worker = make_worker(api.engine, slots=1)
    assert _cause(api, first) == "starting"
    wait_until(lambda: _cause(api, second) == "in_line", 5)
    assert _explain(api, second)["evidence"] == {"ahead": 1, "slots": 1, "busy": {}}
    job = claim(api.engine, worker)
    _do(api.engine, beat, worker_id=worker, lease_s=20, running=[(job.id, job.attempt)])
    running = _explain(api, first)
    assert (running["cause"], running["status"]) == ("running", "processing")
    assert running["evidence"]["worker"] == worker
    wait_until(lambda: _cause(api, second) == "slots_busy", 5)
    assert _explain(api, second)["evidence"] == {"slots": 1, "busy": {"answer": 1}}
    _do(api.engine, settle_completed, job.id, job.attempt, answer())
    assert _cause(api, first) == "completed"


def test_a_message_that_backs_off_says_after_what_and_until_when(api):
    """The last error and the seconds to the next attempt."""
    message_id = api.post().json()["message_id"]
    job = claim(api.engine, make_worker(api.engine))
    _do(api.engine, settle_retry, job.id, 1, error_code="ollama_timeout", error="Silent.", delay_s=60)
    found = _explain(api, message_id)
    assert found["cause"] == "backing_off"
    assert found["evidence"]["error_code"] == "ollama_timeout"
    assert 50 < found["evidence"]["due_in_s"] <= 60


def test_a_message_behind_another_of_its_session_names_that_one(api):
    """So that it can be explained, or cancelled, in turn."""
    first = api.post().json()
    second = api.post(session_id=first["session_id"]).json()["message_id"]
    claim(api.engine, make_worker(api.engine))
    assert _explain(api, second)["evidence"] == {"earlier": first["message_id"], "earlier_status": "processing"}


def test_a_pause_a_part_that_is_down_and_a_sleeping_sweeper_are_named(api):
    """What concerns the whole queue, in the order in which it has to be mended."""
    message_id = api.post().json()["message_id"]
    worker = make_worker(api.engine)
    _sql(api.engine, "UPDATE jobs SET created_at = now() - interval '1 minute'")
    assert _cause(api, message_id) == "not_announced"
    _do(api.engine, note_heartbeat, "sweeper", {})
    _do(api.engine, note_heartbeat, "broker", {"up": False, "ready": {}})
    assert "RabbitMQ" in _explain(api, message_id)["next_step"]
    _do(api.engine, note_heartbeat, "broker", {"up": True, "ready": {"ai-messages": 1}})
    assert _cause(api, message_id) == "starting"
    _do(api.engine, beat, worker_id=worker, lease_s=20, running=[], waiting_for=["ollama"])
    assert _explain(api, message_id)["evidence"] == {"parts": ["ollama"], "workers_waiting": 1}
    _do(api.engine, pause_queue, "ai-messages")
    assert _cause(api, message_id) == "queue_paused"


def test_a_running_message_of_a_silent_worker_says_when_it_goes_on(api):
    """Last seen, and the end of the lease; a worker that said goodbye is not waited for."""
    message_id = api.post().json()["message_id"]
    worker = make_worker(api.engine)
    claim(api.engine, worker)
    _sql(api.engine, "UPDATE workers SET heartbeat_at = now() - interval '12 seconds'")
    found = _explain(api, message_id)
    assert found["cause"] == "worker_silent"
    assert 10 < found["evidence"]["worker_seen_s"] < 20
    assert 10 < found["evidence"]["lease_ends_in_s"] <= 20
    _do(api.engine, say_goodbye, worker)
    assert "at the sweeper's next round" in _explain(api, message_id)["summary"]


def test_a_failed_and_a_cancelled_message_say_what_to_do(api):
    """The error of the last attempt, and the retry."""
    message_id = api.post().json()["message_id"]
    job = claim(api.engine, make_worker(api.engine))
    _do(api.engine, settle_failed, job.id, 1, error_code="model_missing", error="No such model.")
    found = _explain(api, message_id)
    assert (found["cause"], found["evidence"]["error_code"]) == ("failed", "model_missing")
    other = api.post().json()["message_id"]
    api.http.post(f"/api/messages/{other}/cancel")
    assert _cause(api, other) == "cancelled"


def test_an_unknown_id_is_a_404_of_the_usual_form(api):
    """The same problem as of the status."""
    reply = api.http.get(f"/api/messages/{uuid4()}/explain")
    assert (reply.status_code, reply.json()["code"]) == (404, "unknown_message")
