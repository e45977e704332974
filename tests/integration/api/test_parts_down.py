"""What a client hears while a part that the workers need is down."""

from sqlalchemy import Engine, text

from relais.store.leases import beat
from support.seeding import claim, make_worker
from support.waiting import wait_until


def _waits(engine: Engine, worker_id: int, *parts: str) -> None:
    with engine.begin() as conn:
        beat(conn, worker_id=worker_id, lease_s=20, running=[], waiting_for=parts)


def _said(api, message_id: str, wanted: list[str] | None) -> None:
    wait_until(lambda: api.status(message_id).json()["waiting_for"] == wanted, 5, f"waiting_for is {wanted}")


def test_a_waiting_message_names_the_parts_when_no_worker_can_take_it(api):
    """As long as one worker can claim, nothing is said; a worker that is gone or silent doesn't count."""
    message_id = api.post().json()["message_id"]
    _said(api, message_id, None)  # no worker at all is another trouble
    first, second = make_worker(api.engine), make_worker(api.engine)
    _waits(api.engine, first, "ollama")
    _said(api, message_id, None)
    _waits(api.engine, second, "qdrant")
    _said(api, message_id, ["ollama", "qdrant"])
    with api.engine.begin() as conn:
        conn.execute(
            text("UPDATE workers SET heartbeat_at = now() - interval '1 minute' WHERE id = :id"), {"id": first}
        )
    _said(api, message_id, ["qdrant"])
    _waits(api.engine, second)
    _said(api, message_id, None)


def test_a_message_that_runs_or_has_ended_waits_for_nothing(api):
    """What the worker has in hand when a part goes down is processing until that ends."""
    worker = make_worker(api.engine)
    running = api.post().json()["message_id"]
    assert claim(api.engine, worker) is not None
    waiting = api.post().json()["message_id"]
    _waits(api.engine, worker, "ollama")
    _said(api, waiting, ["ollama"])
    assert api.status(running).json()["waiting_for"] is None


def test_nothing_is_estimated_while_nothing_moves(api):
    """The estimate is by the slots that may claim: with none, there is no estimate."""
    worker = make_worker(api.engine)
    message_id = api.post().json()["message_id"]
    _waits(api.engine, worker, "ollama")
    _said(api, message_id, ["ollama"])
    assert api.status(message_id).json()["eta_seconds"] is None


def test_readiness_lists_the_part_and_what_to_do(api):
    """The API is ready all the same: messages are accepted and wait."""
    make_worker(api.engine)
    _waits(api.engine, make_worker(api.engine), "ollama")
    reply = api.http.get("/readyz")
    assert reply.status_code == 200
    detail = {part["part"]: part["detail"] for part in reply.json()["degraded"]}["ollama"]
    assert detail.startswith("1 of 2 workers can't reach the model server (Ollama) and wait for it: start it")
    assert "RELAIS_OLLAMA_URL" in detail
