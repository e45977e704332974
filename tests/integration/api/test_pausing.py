"""Operators pause an agent and let it go on."""

from uuid import UUID

import pytest

from support.operating import audit
from support.seeding import accept_many, claim, make_agent, make_worker


def test_a_paused_agent_gives_no_work_until_it_is_resumed(api):
    """Its messages are accepted and say why they wait; those of others go on; a second pause keeps the time."""
    paused = api.http.post("/api/agents/demo/pause", headers=api.admin).json()
    assert paused["slug"] == "demo"
    assert api.http.post("/api/agents/demo/pause", headers=api.admin).json() == paused
    assert api.http.get("/api/agents/demo", headers=api.admin).json()["paused_at"] == paused["paused_at"]
    message = api.post().json()["message_id"]
    explained = api.http.get(f"/api/messages/{message}/explain").json()
    assert explained["cause"] == "agent_paused"
    assert explained["evidence"]["agent"] == "demo"
    assert "POST /api/agents/demo/resume" in explained["next_step"]
    (other,) = accept_many(api.engine, make_agent(api.engine), 1)
    worker = make_worker(api.engine)
    assert claim(api.engine, worker).id == other
    assert claim(api.engine, worker) is None
    resumed = api.http.post("/api/agents/demo/resume", headers=api.admin).json()
    assert resumed == {"slug": "demo", "paused_at": None}
    assert claim(api.engine, worker).id == UUID(message)


def test_a_paused_agents_documents_wait_too(api):
    """Nothing of it is worked on, neither messages nor documents."""
    api.http.post("/api/agents/demo/documents", headers=api.admin, files=[("file", ("a.md", b"# A", "text/markdown"))])
    api.http.post("/api/agents/demo/pause", headers=api.admin)
    worker = make_worker(api.engine)
    assert claim(api.engine, worker, queue="documents") is None
    api.http.post("/api/agents/demo/resume", headers=api.admin)
    assert claim(api.engine, worker, queue="documents").kind == "ingest"


def test_deleting_a_paused_agent_ends_its_pause(api):
    """Nobody could resume it, and its documents must still leave the index."""
    api.http.post("/api/agents/demo/documents", headers=api.admin, files=[("file", ("a.md", b"# A", "text/markdown"))])
    api.http.post("/api/agents/demo/pause", headers=api.admin)
    assert api.http.delete("/api/agents/demo", headers=api.admin).is_success
    assert claim(api.engine, make_worker(api.engine), queue="documents").kind == "ingest"


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_an_agent_that_does_not_exist_can_not_be_paused(refusing_api, action):
    """404, and nothing is recorded."""
    refused = refusing_api.http.post(f"/api/agents/nobody/{action}", headers=refusing_api.admin)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_agent")
    assert audit(refusing_api) == []
