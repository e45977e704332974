"""The record of what operators did, and of who it was."""

from uuid import uuid4

import pytest
from sqlalchemy.exc import ProgrammingError

from relais.refs import ref_of
from relais.store.api_keys import add_api_key
from relais_api.admin.bulk_actions import RETRY
from relais_api.admin.job_filters import BulkAction
from support.operating import act, audit, fail_one, sql
from support.seeding import make_worker, state_of


def test_every_change_is_recorded_with_who_made_it(api):
    """Name of the key, action, filter, what matched and what changed, the newest first; previews leave no record."""
    with api.engine.begin() as conn:
        ada = {"Authorization": f"Bearer {add_api_key(conn, name='Ada', scope='ops')}"}
    worker = make_worker(api.engine)
    jobs = [fail_one(api, worker) for _ in range(3)]
    act(api, "retry", headers=ada, state="failed")
    act(api, "retry", headers=ada, state="failed", limit=1, dry_run=False)
    act(api, "cancel", id=[str(jobs[0])], session=str(uuid4()), dry_run=False)
    act(api, "unlock", ref=[ref_of(jobs[1])], dry_run=False)
    act(api, "clean", headers=ada, state="failed", older_than="7d", dry_run=False)
    for path in ("queues/ai-messages/pause", "queues/ai-messages/resume", "agents/demo/pause", "agents/demo/resume"):
        assert api.http.post(f"/api/{path}", headers=ada).status_code == 200
    told = audit(api)
    assert [(one["actor"], one["action"]) for one in reversed(told)] == [
        ("Ada", "retry"), ("RELAIS_ADMIN_KEY", "cancel"), ("RELAIS_ADMIN_KEY", "unlock"), ("Ada", "clean"),
        ("Ada", "queue.pause"), ("Ada", "queue.resume"), ("Ada", "agent.pause"), ("Ada", "agent.resume"),
    ]  # fmt: skip
    retry, cancel, *_ = reversed(told)
    assert (retry["target"], retry["matching"], retry["changed"]) == ({"state": "failed", "limit": 1}, 3, 1)
    assert retry["refs"] == [ref_of(jobs[0])]
    assert cancel["target"]["ref"] == [ref_of(jobs[0])]
    assert str(jobs[0]) not in str(told), "whole ids are capabilities"
    assert told[0]["target"] == {"agent": "demo"}
    assert [one["action"] for one in audit(api, actor="Ada", action="clean")] == ["clean"]
    first = api.http.get("/api/audit", headers=api.admin, params={"limit": 5}).json()
    rest = api.http.get("/api/audit", headers=api.admin, params={"limit": 5, "cursor": first["next_cursor"]}).json()
    assert first["actions"] + rest["actions"] == told
    assert rest["next_cursor"] is None


def test_a_change_of_an_agent_is_recorded_without_its_texts(api):
    """Created, changed (which fields, not what they were set to), deleted (with the messages that it cancelled)."""
    models = {"chat_model": "extractive", "embedding_model": "lexical"}
    new = {"slug": "new", "name": "New", "system_prompt": "SECRET"} | models
    made = api.http.post("/api/agents", headers=api.admin, json=new).json()
    assert api.http.post("/api/agents", headers=api.admin, json=new).status_code == 409
    changes = {"system_prompt": "SECRET", "name": "Newer"}
    assert api.http.patch("/api/agents/new", headers=api.admin, json=changes).status_code == 200
    assert api.http.patch("/api/agents/new", headers=api.admin, json={}).status_code == 200
    message = api.post(token=made["token"]).json()["message_id"]
    assert api.http.delete("/api/agents/new", headers=api.admin).status_code == 204
    assert api.http.delete("/api/agents/new", headers=api.admin).status_code == 404
    told = audit(api)[::-1]
    assert [(one["action"], one["target"], one["changed"]) for one in told] == [
        ("agent.create", {"agent": "new"}, 1),
        ("agent.change", {"agent": "new", "fields": ["name", "system_prompt"]}, 1),
        ("agent.change", {"agent": "new", "fields": []}, 0),
        ("agent.delete", {"agent": "new", "cancelled": 1}, 1),
    ]
    assert told[-1]["refs"] == [ref_of(message)]
    assert {one["actor"] for one in told} == {"RELAIS_ADMIN_KEY"}
    assert "SECRET" not in str(told)


def test_a_change_of_a_document_is_recorded(api):
    """Each file that was put, with its name, and its removal; the same content again changes nothing."""
    files = [("file", (name, b"# A", "text/markdown")) for name in ("a.md", "b.md")]
    address = "/api/agents/demo/documents"
    put = api.http.post(address, headers=api.admin, files=files).json()["documents"]
    api.http.post(address, headers=api.admin, files=files[:1])
    assert api.http.delete(f"{address}/{put[0]['document_id']}", headers=api.admin).status_code == 202
    assert api.http.delete(f"{address}/{uuid4()}", headers=api.admin).status_code == 404
    assert [(one["action"], one["target"]["document"], one["changed"]) for one in reversed(audit(api))] == [
        ("document.put", "a.md", 1),
        ("document.put", "b.md", 1),
        ("document.put", "a.md", 0),
        ("document.delete", "a.md", 1),
    ]
    assert audit(api)[0]["target"]["agent"] == "demo"


@pytest.mark.parametrize("path", ["queues/ai-messages", "agents/demo"])
def test_a_pause_that_changes_nothing_is_recorded_as_such(api, path):
    """A second pause, and a resume of what isn't paused."""
    for action in ("resume", "pause", "pause", "resume"):
        assert api.http.post(f"/api/{path}/{action}", headers=api.admin).status_code == 200
    assert [one["changed"] for one in reversed(audit(api))] == [0, 1, 0, 1]


def test_without_its_record_nothing_is_changed(api):
    """Change and record are one transaction."""
    job = fail_one(api, make_worker(api.engine))
    sql(api, "ALTER TABLE operator_actions RENAME TO away")
    wanted = BulkAction(state="failed", dry_run=False)
    with pytest.raises(ProgrammingError), api.engine.begin() as conn:
        RETRY.execute(conn, wanted, "Ada")
    sql(api, "ALTER TABLE away RENAME TO operator_actions")
    assert state_of(api.engine, job) == "failed"
    assert audit(api) == []


def test_a_key_tells_its_name_and_scope(api):
    """What the page asks before it offers any action."""
    with api.engine.begin() as conn:
        key = add_api_key(conn, name="Ada", scope="read")
    told = api.http.get("/api/key", headers={"Authorization": f"Bearer {key}"}).json()
    assert told == {"name": "Ada", "scope": "read"}
    assert api.http.get("/api/key", headers=api.admin).json() == {"name": "RELAIS_ADMIN_KEY", "scope": "admin"}
