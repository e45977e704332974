"""What operators do: unlock, clean, retry a few first, pause, silence; and the record of it."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from relais.refs import ref_of
from relais.store.api_keys import add_api_key
from relais.store.settle import settle_failed
from relais_api.admin.bulk_actions import RETRY
from relais_api.admin.job_filters import BulkAction
from support.seeding import accept_many, claim, make_agent, make_worker, state_of
from support.waiting import wait_until

LET_THE_LEASE_EXPIRE = "UPDATE leases SET expires_at = now() - interval '1 s' WHERE job_id = :id"
SPEND = "UPDATE jobs SET attempt_limit = attempt WHERE id = :id"
FALL_SILENT = "UPDATE workers SET heartbeat_at = now() - interval '1 minute' WHERE id = :worker"
SAY_GOODBYE = "UPDATE workers SET stopped_at = now() WHERE id = :worker"
LOSE_THE_LEASE = "DELETE FROM leases WHERE job_id = :id"
RUN_TOO_LONG = "UPDATE jobs SET started_at = now() - interval '1 hour' WHERE id = :id"


def act(api, action, *, headers=None, **wanted):
    """Take a bulk action by JSON."""
    reply = api.http.post(f"/api/jobs/{action}", headers=headers or api.admin, json=wanted)
    assert reply.status_code == 200, reply.text
    return reply.json()


def audit(api, **params):
    """The record of what operators did, the newest first."""
    return api.http.get("/api/audit", headers=api.admin, params=params).json()["actions"]


def demo(api) -> UUID:
    """The id of the agent."""
    return UUID(api.http.get("/api/agents/demo", headers=api.admin).json()["id"])


def sql(api, statement, **values):
    """Change something behind the API."""
    with api.engine.begin() as conn:
        return conn.execute(text(statement), values)


def run_one(api, worker) -> UUID:
    """A job that the worker works on."""
    job = accept_many(api.engine, demo(api), 1)[0]
    assert claim(api.engine, worker).id == job
    return job


def fail_one(api, worker, error_code="model_missing") -> UUID:
    """A job that failed."""
    job = run_one(api, worker)
    with api.engine.begin() as conn:
        settle_failed(conn, job, 1, error_code=error_code, error="No such model.")
    return job


@pytest.mark.parametrize(
    "harm",
    [LET_THE_LEASE_EXPIRE, FALL_SILENT, SAY_GOODBYE, LOSE_THE_LEASE, RUN_TOO_LONG],
    ids=["lease expired", "worker silent", "worker gone", "no lease", "over deadline"],
)
def test_a_job_whose_worker_will_not_finish_it_is_unlocked(api, harm):
    """The preview names it; executed, it waits at its old place with neither lease nor draft, and can be claimed."""
    worker = make_worker(api.engine)
    job = run_one(api, worker)
    values = {key: value for key, value in {"id": job, "worker": worker}.items() if f":{key}" in harm}
    sql(api, harm, **values)
    preview = act(api, "unlock", state="processing")
    assert (preview["matching"], preview["changed"], preview["refs"], preview["skipped"]) == (1, 0, [ref_of(job)], [])
    assert state_of(api.engine, job) == "processing"
    done = act(api, "unlock", state="processing", dry_run=False)
    assert (done["changed"], done["job_ids"]) == (1, [str(job)])
    row = sql(api, "SELECT state, ticket, attempt, attempt_limit, run_at, error_code FROM jobs").one()
    assert row == ("queued", 1, 1, 3, None, None)
    assert sql(api, "SELECT count(*) FROM leases").scalar_one() == 0
    assert claim(api.engine, make_worker(api.engine)).attempt == 2


def test_a_job_whose_worker_is_well_is_skipped_unless_forced(api):
    """Skipped with the reason; forced, it is taken, and the worker's late result is fenced off."""
    worker = make_worker(api.engine)
    job = run_one(api, worker)
    skipped = act(api, "unlock", ref=[ref_of(job)], dry_run=False)
    assert (skipped["matching"], skipped["changed"]) == (1, 0)
    assert [(one["ref"], one["reason"]) for one in skipped["skipped"]] == [(ref_of(job), "working")]
    assert f"Worker {worker} is well" in skipped["skipped"][0]["detail"]
    assert act(api, "unlock", ref=[ref_of(job)], dry_run=False, force=True)["changed"] == 1
    with api.engine.begin() as conn:
        assert settle_failed(conn, job, 1, error_code="e", error="E") is None
    assert state_of(api.engine, job) == "queued"


def test_a_job_without_an_attempt_left_is_skipped_unless_forced(api):
    """Forced, it gets exactly one more attempt."""
    worker = make_worker(api.engine)
    job = run_one(api, worker)
    sql(api, SPEND, id=job)
    sql(api, LET_THE_LEASE_EXPIRE, id=job)
    skipped = act(api, "unlock", id=[str(job)], dry_run=False)
    assert [one["reason"] for one in skipped["skipped"]] == ["attempts_spent"]
    assert "attempt 1 of 1" in skipped["skipped"][0]["detail"]
    assert act(api, "unlock", id=[str(job)], dry_run=False, force=True)["changed"] == 1
    assert sql(api, "SELECT state, attempt, attempt_limit FROM jobs").one() == ("queued", 1, 2)


def test_what_waits_or_has_ended_is_not_unlocked(api):
    """There is nothing to take back."""
    fail_one(api, make_worker(api.engine))
    accept_many(api.engine, demo(api), 1)
    assert act(api, "unlock", agent="demo", force=True, dry_run=False)["matching"] == 0


def test_a_few_are_retried_first(api):
    """`limit` is the canary: the oldest come first, and the preview shows just those."""
    worker = make_worker(api.engine)
    failed = [fail_one(api, worker) for _ in range(4)]
    preview = act(api, "retry", error_code="model_missing", limit=2)
    assert (preview["matching"], preview["job_ids"]) == (4, [str(job) for job in failed[:2]])
    done = act(api, "retry", error_code="model_missing", limit=2, dry_run=False)
    assert done["changed"] == 2
    assert sorted(done["refs"]) == sorted(ref_of(job) for job in failed[:2])
    assert [state_of(api.engine, job) for job in failed] == ["queued", "queued", "failed", "failed"]


def test_the_messages_of_a_session_are_cancelled_together(api):
    """By the session's ref."""
    first = api.post().json()
    api.post(session_id=first["session_id"])
    other = api.post().json()["message_id"]
    assert act(api, "cancel", session=ref_of(first["session_id"]), dry_run=False)["changed"] == 2
    assert state_of(api.engine, UUID(other)) in {"pending", "queued"}


def test_jobs_that_ended_are_cleaned_away_and_stay_visible(api):
    """They leave the working table by age, the newest `keep` stay; clients and operators see them as before."""
    worker = make_worker(api.engine)
    jobs = [fail_one(api, worker) for _ in range(60)]
    sql(api, "UPDATE jobs SET finished_at = finished_at - interval '8 days'")
    sql(api, "UPDATE lanes SET watermark = last_ticket")
    preview = act(api, "clean", state="failed", older_than="7d", keep=55)
    assert (preview["matching"], preview["changed"]) == (5, 0)
    assert set(preview["refs"]) == {ref_of(job) for job in jobs[:5]}
    assert act(api, "clean", state="failed", older_than="9d")["matching"] == 0
    done = act(api, "clean", state="failed", older_than="7d", keep=55, limit=3, dry_run=False)
    assert (done["changed"], done["refs"]) == (3, [ref_of(job) for job in jobs[:3]])
    assert sql(api, "SELECT count(*) FROM past_jobs").scalar_one() == 3
    assert api.status(jobs[0]).json()["status"] == "failed"
    assert act(api, "retry", id=[str(jobs[0])], dry_run=False)["changed"] == 1
    assert api.status(jobs[0]).json()["status"] == "queued"


@pytest.mark.parametrize("action", ["retry", "cancel", "unlock", "clean"])
@pytest.mark.parametrize("age", ["1.1h", "2.2h", 0.12345, 3960.0000000000005, 315_360_000])
def test_every_age_that_is_promised_is_taken(refusing_api, action, age):
    """By query and by JSON: a number of seconds is any, and hours may have a fraction that seconds don't show."""
    act(refusing_api, action, older_than=age)
    if isinstance(age, str):
        reply = refusing_api.http.post(f"/api/jobs/{action}?older_than={age}", headers=refusing_api.admin)
        assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("age", [-1, 315_360_001, True, "soon", 1e300])
def test_an_age_out_of_range_is_named(refusing_api, age):
    """Neither before now nor above ten years."""
    refused = refusing_api.http.post("/api/jobs/retry", json={"older_than": age}, headers=refusing_api.admin)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "older_than"), refused.text


def test_all_skipped_jobs_are_counted(api):
    """A hundred are listed; none of them is left for another call."""
    worker = make_worker(api.engine, slots=101)
    accept_many(api.engine, demo(api), 101)
    while claim(api.engine, worker):
        pass
    told = act(api, "unlock", state="processing", dry_run=False)
    assert (told["matching"], told["changed"], told["left"]) == (101, 0, 0)
    assert (len(told["skipped"]), told["skipped_count"]) == (100, 101)


def test_a_named_job_that_stays_is_told_with_the_reason(api):
    """It doesn't exist, is in another state, is held back from cleaning, or another filter leaves it out."""
    failed = fail_one(api, make_worker(api.engine))
    waiting = accept_many(api.engine, demo(api), 1)[0]

    def why(action, *named, **wanted):
        told = act(api, action, ref=[str(one) for one in named], **wanted)
        assert (told["skipped_count"], told["left"]) == (len(told["skipped"]), 0)
        return {one["ref"]: one["reason"] for one in told["skipped"]}

    assert why("retry", "0123456789ab", waiting, failed) == {"0123456789ab": "unknown", ref_of(waiting): "wrong_state"}
    assert why("retry", failed, error_code="another") == {ref_of(failed): "no_match"}
    assert why("cancel", failed, ref_of(failed), dry_run=False) == {ref_of(failed): "wrong_state"}
    assert why("clean", failed, waiting) == {ref_of(failed): "held_back", ref_of(waiting): "wrong_state"}
    assert why("unlock", failed, state="processing") == {ref_of(failed): "wrong_state"}
    told = act(api, "cancel", id=[str(uuid4()), str(waiting)], limit=1)
    assert (told["refs"], [one["reason"] for one in told["skipped"]]) == ([ref_of(waiting)], ["unknown"])


@pytest.mark.parametrize("action", ["retry", "cancel", "unlock", "clean"])
def test_a_filter_by_an_agent_that_never_was_is_refused(refusing_api, action):
    """It would look like a filter that nothing matches."""
    refused = refusing_api.http.post(f"/api/jobs/{action}", json={"agent": "demmo"}, headers=refusing_api.admin)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_agent")
    listed = refusing_api.http.get("/api/jobs", params={"agent": "demmo"}, headers=refusing_api.admin)
    assert (listed.status_code, listed.json()["code"]) == (404, "unknown_agent")


@pytest.mark.parametrize(
    ("action", "sent", "field"),
    [
        ("unlock", {"dry_run": False}, "filter"),
        ("unlock", {"dry_run": False, "force": True}, "filter"),
        ("clean", {"dry_run": False}, "filter"),
        ("clean", {"state": "queued"}, "state"),
        ("clean", {"keep": -1}, "keep"),
        ("retry", {"force": True}, "force"),
        ("cancel", {"ref": ["demo"]}, "ref.0"),
    ],
    ids=["unlock all", "force on all", "clean all", "clean what waits", "negative", "no force to retry", "no ref"],
)
def test_a_wrong_bulk_action_is_named(refusing_api, action, sent, field):
    """422 names the field."""
    refused = refusing_api.http.post(f"/api/jobs/{action}", json=sent, headers=refusing_api.admin)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text


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


def test_an_alert_is_silenced_for_a_while(api):
    """It is listed with who wanted it, ends by itself or when told, and both are recorded."""
    new = {"rule": "RelaisBacklogLarge", "minutes": 30, "reason": "Known: the import of May."}
    made = api.http.post("/api/silences", headers=api.admin, json=new)
    assert made.status_code == 201, made.text
    silence = made.json()
    assert (silence["rule"], silence["actor"], silence["reason"]) == (
        "RelaisBacklogLarge", "RELAIS_ADMIN_KEY", "Known: the import of May."
    )  # fmt: skip
    ended = api.http.post("/api/silences", headers=api.admin, json=new | {"rule": "RelaisNoWorker"}).json()
    sql(api, "UPDATE silences SET ends_at = now() WHERE id = :id", id=ended["id"])
    assert api.http.get("/api/silences", headers=api.admin).json() == {"silences": [silence]}
    assert api.http.delete(f"/api/silences/{silence['id']}", headers=api.admin).status_code == 204
    again = api.http.delete(f"/api/silences/{silence['id']}", headers=api.admin)
    assert (again.status_code, again.json()["code"]) == (404, "unknown_silence")
    assert api.http.get("/api/silences", headers=api.admin).json() == {"silences": []}
    assert [one["action"] for one in audit(api)] == ["silence.end", "silence.add", "silence.add"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rule": ""}, "rule"),
        ({"rule": "x" * 101}, "rule"),
        ({"rule": "RelaisQueueLong"}, "rule"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 43_201}, "minutes"),
        ({"reason": "a\x00"}, "reason"),
        ({"until": "never"}, "until"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:24],
)
def test_a_wrong_silence_is_named(refusing_api, change, field):
    """422 names the field."""
    sent = {"rule": "RelaisBacklogLarge", "minutes": 5} | change
    refused = refusing_api.http.post("/api/silences", headers=refusing_api.admin, json=sent)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


def test_a_key_tells_its_name_and_scope(api):
    """What the page asks before it offers any action."""
    with api.engine.begin() as conn:
        key = add_api_key(conn, name="Ada", scope="read")
    told = api.http.get("/api/key", headers={"Authorization": f"Bearer {key}"}).json()
    assert told == {"name": "Ada", "scope": "read"}
    assert api.http.get("/api/key", headers=api.admin).json() == {"name": "RELAIS_ADMIN_KEY", "scope": "admin"}


def test_an_unlocked_job_wakes_a_worker(api):
    """A token goes to the broker, so that nobody waits for the sweeper."""
    job = run_one(api, make_worker(api.engine))
    sql(api, LET_THE_LEASE_EXPIRE, id=job)
    before = api.broker.tokens_ready("ai-messages")
    assert act(api, "unlock", state="processing", dry_run=False)["changed"] == 1
    wait_until(lambda: api.broker.tokens_ready("ai-messages") > before, message="a token is there")


@pytest.mark.parametrize("action", ["retry", "cancel", "unlock", "clean"])
def test_the_address_of_an_action_is_no_ref(refusing_api, action):
    """Another method than POST is a 405 that allows POST alone."""
    refused = refusing_api.http.get(f"/api/jobs/{action}", headers=refusing_api.admin)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
