"""Bringing rows and tokens together over HTTP."""

from typing import Any

import pytest
from dramatiq.errors import ConnectionClosed
from sqlalchemy import text

from relais.store.pausing import pause_queue
from relais.store.sweep import note_heartbeat
from support.api import Api
from support.diagnosing import all_well, do, sql
from support.seeding import accept_many, claim, make_agent, make_worker


def _reconcile(api: Api, queue: str = "ai-messages", **params: Any) -> dict[str, Any]:
    reply = api.http.post(f"/api/queues/{queue}/reconcile", headers=api.admin, params=params)
    assert reply.status_code == 200, reply.text
    return reply.json()


def _states(api: Api) -> list[str]:
    with api.engine.connect() as conn:
        return [row.state for row in conn.execute(text("SELECT state FROM jobs ORDER BY ticket"))]


@pytest.fixture
def forgotten(api: Api) -> Api:
    """Four jobs that nobody announced: one runs, three wait."""
    accept_many(api.engine, make_agent(api.engine), 4)
    claim(api.engine, make_worker(api.engine))
    sql(api.engine, "UPDATE jobs SET created_at = now() - interval '1 minute'")
    all_well(api.engine, tokens=1)
    return api


def test_a_dry_run_says_what_is_there_and_what_would_be_done(forgotten: Api) -> None:
    """It is the default; nothing changes."""
    before = forgotten.broker.tokens_ready("ai-messages")
    assert _reconcile(forgotten) == {
        "queue": "ai-messages",
        "dry_run": True,
        "paused": False,
        "waiting": 3,
        "pending": 3,
        "eligible": 3,
        "processing": 1,
        "leases": 1,
        "broker_up": True,
        "tokens_ready": 1,
        "to_announce": 3,
        "to_publish": 2,
        "announced": 0,
        "published": 0,
        "confirmed": None,
    }
    assert forgotten.broker.tokens_ready("ai-messages") == before
    assert _states(forgotten) == ["processing", "pending", "pending", "pending"]


def test_executed_it_publishes_the_missing_tokens_and_announces_what_was_pending(forgotten: Api) -> None:
    """As many as the sweeper's view lacks; a second time there is nothing to announce."""
    done = _reconcile(forgotten, dry_run=False)
    assert (done["published"], done["announced"], done["confirmed"]) == (2, 3, True)
    assert forgotten.broker.tokens_ready("ai-messages") == 2
    assert _states(forgotten) == ["processing", "queued", "queued", "queued"]
    all_well(forgotten.engine, tokens=3)
    again = _reconcile(forgotten, dry_run=False)
    assert (again["to_publish"], again["to_announce"], again["confirmed"]) == (0, 0, None)


def test_the_limit_is_a_canary(forgotten: Api) -> None:
    """The oldest is announced, one token is published; tokens are held against all that waits."""
    done = _reconcile(forgotten, dry_run=False, limit=1)
    assert (done["eligible"], done["tokens_ready"]) == (3, 1)
    assert (done["announced"], done["published"]) == (1, 1)
    assert _states(forgotten) == ["processing", "queued", "pending", "pending"]


def test_where_the_tokens_are_not_known_each_job_gets_one(forgotten: Api) -> None:
    """A token too many costs an empty claim; one too few would cost a wait."""
    sql(forgotten.engine, "DELETE FROM heartbeats")
    done = _reconcile(forgotten, dry_run=False)
    assert (done["tokens_ready"], done["broker_up"], done["published"]) == (None, None, 3)


def test_a_paused_queue_gets_no_more_than_what_its_announcement_needs(forgotten: Api) -> None:
    """Nothing of it could start; one token shows that the broker is there."""
    do(forgotten.engine, pause_queue, "ai-messages")
    done = _reconcile(forgotten, dry_run=False)
    assert (done["paused"], done["eligible"], done["published"], done["announced"]) == (True, 0, 1, 3)


def test_a_broker_that_takes_nothing_leaves_the_rows_pending(forgotten: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply says that nothing was confirmed; the sweeper will announce them."""

    def refuse(*_: object) -> None:
        raise ConnectionClosed(OSError("no broker"))

    monkeypatch.setattr(forgotten.broker, "send_tokens", refuse)
    do(forgotten.engine, note_heartbeat, "broker", {"up": False, "ready": {}})
    done = _reconcile(forgotten, dry_run=False)
    assert (done["confirmed"], done["published"], done["announced"]) == (False, 0, 0)
    assert (done["broker_up"], done["to_publish"]) == (False, 3)
    assert _states(forgotten).count("pending") == 3


def test_an_unknown_queue_is_refused(api: Api) -> None:
    """With the names that there are."""
    reply = api.http.post("/api/queues/nothing/reconcile", headers=api.admin)
    assert (reply.status_code, reply.json()["code"]) == (404, "unknown_queue")
