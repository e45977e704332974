"""Operators do what their key's scope allows, and see before what a bulk action would do."""

import hashlib

import pytest
from sqlalchemy import text

from relais.refs import ref_of
from relais.store.api_keys import add_api_key, revoke_api_key
from relais.store.settle import settle_failed
from support.seeding import accept_many, claim, make_agent, make_worker
from support.waiting import wait_until

NEW = {"slug": "support", "name": "Support", "chat_model": "extractive", "embedding_model": "lexical"}
MARKDOWN = ("refunds.md", b"# Refunds\n\nWithin 30 days.", "text/markdown")


def key_of(api, scope: str) -> dict[str, str]:
    """The header of a new key."""
    with api.engine.begin() as conn:
        return {"Authorization": f"Bearer {add_api_key(conn, name=f'{scope} key', scope=scope)}"}


def upload(api, *files, slug="demo"):
    """Upload files as {name, content, type}."""
    return api.http.post(f"/api/agents/{slug}/documents", headers=api.admin, files=[("file", file) for file in files])


NEEDED = [
    ("GET", "/api/agents", "read"),
    ("GET", "/api/agents/demo", "read"),
    ("GET", "/api/agents/demo/documents", "read"),
    ("GET", "/api/jobs", "read"),
    ("POST", "/api/jobs/retry", "ops"),
    ("POST", "/api/jobs/cancel", "ops"),
    ("POST", "/api/jobs/unlock", "ops"),
    ("POST", "/api/jobs/clean", "ops"),
    ("GET", "/api/jobs/000000000000", "read"),
    ("GET", "/api/audit", "read"),
    ("GET", "/api/key", "read"),
    ("GET", "/api/silences", "read"),
    ("POST", "/api/silences", "ops"),
    ("DELETE", "/api/silences/7", "ops"),
    ("POST", "/api/agents/demo/pause", "ops"),
    ("POST", "/api/agents/demo/resume", "ops"),
    ("POST", "/api/queues/ai-messages/pause", "ops"),
    ("POST", "/api/queues/ai-messages/resume", "ops"),
    ("POST", "/api/agents", "admin"),
    ("PATCH", "/api/agents/demo", "admin"),
    ("POST", "/api/agents/demo/documents", "admin"),
    ("DELETE", "/api/agents/demo/documents/2b5f1d2e-6a4e-4a50-9d0b-0c3d5c3f8a11", "admin"),
    ("DELETE", "/api/agents/demo", "admin"),
]


def test_every_address_needs_its_scope_and_no_more(api):
    """401 without a key, 403 naming the scope with too little, neither with enough."""
    reach = ["read", "ops", "admin"]
    keys = {scope: key_of(api, scope) for scope in reach}
    for method, path, needed in NEEDED:
        refused = api.http.request(method, path)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized"), path
        assert refused.headers["www-authenticate"].startswith("Bearer")
        for scope in reach[: reach.index(needed)]:
            refused = api.http.request(method, path, headers=keys[scope])
            assert (refused.status_code, refused.json()["needed_scope"]) == (403, needed), path
            assert f'scope="{needed}"' in refused.headers["www-authenticate"]
    for method, path, needed in NEEDED:
        assert api.http.request(method, path, headers=keys[needed]).status_code not in {401, 403}, path


@pytest.mark.parametrize("value", ["Bearer wrong", "Bearer", "Basic YTpi", "wrong", "Bearer \xe9", "Bearer a b"])
def test_a_bad_key_is_refused(refusing_api, value):
    """401 that tells nothing about keys that exist."""
    response = refusing_api.http.get("/api/agents", headers={"Authorization": value.encode("latin-1")})
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


def test_a_key_is_stored_as_a_hash_and_dies_when_revoked(api):
    """The database holds only its SHA-256; after the revocation it opens nothing."""
    header = key_of(api, "read")
    key = header["Authorization"].removeprefix("Bearer ")
    with api.engine.begin() as conn:
        stored = conn.execute(text("SELECT key_sha256 FROM api_keys")).scalar_one()
        assert bytes(stored) == hashlib.sha256(key.encode()).digest()
        assert add_api_key(conn, name="read key", scope="read") is None
    assert api.http.get("/api/agents", headers=header).status_code == 200
    with api.engine.begin() as conn:
        assert revoke_api_key(conn, "read key")
        assert not revoke_api_key(conn, "read key")
    assert api.http.get("/api/agents", headers=header).status_code == 401


def test_an_agent_is_made_changed_and_deleted(api):
    """201 with a token that works at once; PATCH changes only what it names; after DELETE the token is unknown."""
    made = api.http.post("/api/agents", json=NEW, headers=api.admin)
    agent = made.json()
    assert made.status_code == 201
    assert made.headers["location"] == "/api/agents/support"
    assert len(agent["token"]) >= 32
    assert api.post(token=agent["token"]).status_code == 202
    changed = api.http.patch("/api/agents/support", json={"max_content_chars": 5, "name": "Help"}, headers=api.admin)
    assert changed.json() == agent | {
        "max_content_chars": 5,
        "name": "Help",
        "updated_at": changed.json()["updated_at"],
    }
    assert api.post("123456", token=agent["token"]).status_code == 413
    assert [row["slug"] for row in api.http.get("/api/agents", headers=api.admin).json()["agents"]] == [
        "demo",
        "support",
    ]
    assert api.http.delete("/api/agents/support", headers=api.admin).status_code == 204
    assert api.post(token=agent["token"]).status_code == 404
    assert api.http.get("/api/agents/support", headers=api.admin).status_code == 404
    assert api.http.delete("/api/agents/support", headers=api.admin).status_code == 404
    assert api.http.post("/api/agents", json=NEW, headers=api.admin).status_code == 201


def test_deleting_an_agent_cancels_what_waits_and_cleans_the_index(api):
    """Waiting messages are cancelled; each document gets a job that takes it out of the index."""
    message_id = api.post().json()["message_id"]
    upload(api, MARKDOWN)
    api.http.delete("/api/agents/demo", headers=api.admin)
    assert api.status(message_id).json()["status"] == "cancelled"
    jobs = api.http.get("/api/jobs?kind=ingest", headers=api.admin).json()["jobs"]
    assert [job["state"] for job in jobs] == ["pending", "pending"]
    with api.engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM documents WHERE deleted_at IS NULL")).scalar_one() == 0


def test_two_agents_cannot_share_a_slug(refusing_api):
    """409 names the slug."""
    refused = refusing_api.http.post("/api/agents", json=NEW | {"slug": "demo"}, headers=refusing_api.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "slug_taken")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "Not A Slug"}, "slug"),
        ({"slug": "-a"}, "slug"),
        ({"slug": "a" * 64}, "slug"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"chat_model": "two words"}, "chat_model"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"score_threshold": 1.5}, "score_threshold"),
        ({"priority": 100_000}, "priority"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"deadline_s": 100_000}, "deadline_s"),
        ({"system_prompt": None}, "system_prompt"),
        ({"token": "mine"}, "token"),
    ],
)
def test_a_wrong_setting_of_an_agent_is_named(refusing_api, change, field):
    """422 for POST, and for PATCH where the field may be changed."""
    made = refusing_api.http.post("/api/agents", json=NEW | change, headers=refusing_api.admin)
    assert made.status_code == 422
    assert [error["field"] for error in made.json()["errors"]] == [field]
    assert refusing_api.http.patch("/api/agents/demo", json=change, headers=refusing_api.admin).status_code == 422


def test_json_routes_take_only_json(refusing_api):
    """415 for a form."""
    response = refusing_api.http.post("/api/agents", data=NEW, headers=refusing_api.admin)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_documents_are_stored_and_listed_with_their_jobs(api):
    """202 with a job per file; the list shows their state; the same name replaces, the same content is `unchanged`."""
    files = [MARKDOWN, ("folder/terms.txt", b"Terms", "text/plain")]
    accepted = upload(api, *files)
    assert accepted.status_code == 202
    first = accepted.json()["documents"]
    assert [document["name"] for document in first] == ["refunds.md", "terms.txt"]
    again = upload(api, MARKDOWN, ("terms.txt", b"New terms", "text/plain")).json()["documents"]
    assert [document["document_id"] for document in again] == [document["document_id"] for document in first]
    assert [document["unchanged"] for document in again] == [True, False]
    page = api.http.get("/api/agents/demo/documents?limit=1", headers=api.admin).json()
    rest = api.http.get(f"/api/agents/demo/documents?cursor={page['next_cursor']}", headers=api.admin).json()
    listed = page["documents"] + rest["documents"]
    assert [(d["name"], d["status"], d["chunks"]) for d in listed] == [
        ("refunds.md", "pending", None), ("terms.txt", "pending", None)
    ]  # fmt: skip
    assert rest["next_cursor"] is None
    wait_until(lambda: api.broker.tokens_ready("documents") >= 2, message="a token for each is there")


def test_a_document_is_removed(api):
    """202 with the job that cleans the index; it is gone from the list at once, and unknown the second time."""
    document = upload(api, MARKDOWN).json()["documents"][0]
    path = f"/api/agents/demo/documents/{document['document_id']}"
    assert api.http.get(path, headers=api.admin).json()["name"] == "refunds.md"
    assert api.http.delete(path, headers=api.admin).status_code == 202
    assert api.http.get("/api/agents/demo/documents", headers=api.admin).json()["documents"] == []
    assert api.http.delete(path, headers=api.admin).json()["code"] == "unknown_document"
    assert api.http.get(path, headers=api.admin).status_code == 404


def test_documents_of_another_agent_are_unknown(api):
    """An agent's address shows and removes only its own."""
    make_agent(api.engine, slug="other")
    document = upload(api, MARKDOWN, slug="other").json()["documents"][0]
    path = f"/api/agents/demo/documents/{document['document_id']}"
    assert api.http.get(path, headers=api.admin).status_code == 404
    assert api.http.delete(path, headers=api.admin).status_code == 404


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ([("virus.exe", b"x", None)], "virus.exe"),
        ([("noext", b"x", None)], "noext"),
        ([("empty.md", b"", None)], "empty.md"),
        ([("a/..", b"x", None)], ".."),
        ([("n" * 300 + ".md", b"x", None)], "n" * 300 + ".md"),
        ([MARKDOWN, ("C:\\docs\\refunds.md", b"other", None)], "refunds.md"),
        ([MARKDOWN, ("bad.zip", b"x", None)], "bad.zip"),
    ],
)
def test_a_file_that_cannot_be_ingested_is_named(refusing_api, files, named):
    """422 names each such file, and nothing of the upload is stored."""
    refused = upload(refusing_api, *files)
    assert refused.status_code == 422, refused.text
    assert [error["field"] for error in refused.json()["errors"]] == [named]
    assert refusing_api.http.get("/api/agents/demo/documents", headers=refusing_api.admin).json()["documents"] == []


def test_an_upload_without_files_is_refused(refusing_api):
    """422 without a file or with a text field, 415 for another content type."""
    path = "/api/agents/demo/documents"
    empty = {"Content-Type": "multipart/form-data; boundary=x"}
    assert refusing_api.http.post(path, content=b"--x--\r\n", headers=empty | refusing_api.admin).status_code == 422
    assert refusing_api.http.post(path, files={"note": (None, b"text")}, headers=refusing_api.admin).status_code == 422
    assert refusing_api.http.post(path, json={}, headers=refusing_api.admin).status_code == 415
    broken = refusing_api.http.post(path, content=b"nonsense", headers=empty | refusing_api.admin)
    assert broken.headers["content-type"] == "application/problem+json"
    assert broken.status_code in {400, 422}


def test_a_document_above_the_limit_is_named(small_limits):
    """413 for one file above its limit, and for all together above theirs."""
    one = upload(small_limits, ("big.md", b"x" * 1_001, None))
    assert (one.status_code, one.json()["code"]) == (413, "too_large")
    assert "big.md" in one.json()["detail"]
    every = upload(small_limits, *[(f"{n}.md", b"x" * 900, None) for n in range(10)])
    assert every.status_code == 413


def test_jobs_are_searched_by_any_field(api):
    """Each filter narrows; pages follow by cursor, newest first, without gap or double."""
    ids = [api.post().json()["message_id"] for _ in range(5)]
    upload(api, MARKDOWN)
    job = claim(api.engine, make_worker(api.engine))
    with api.engine.begin() as conn:
        settle_failed(conn, job.id, job.attempt, error_code="model_missing", error="No such model.")

    def found(**params):
        return [row["id"] for row in api.http.get("/api/jobs", params=params, headers=api.admin).json()["jobs"]]

    assert len(found()) == 6
    assert found(state="failed") == found(error_code="model_missing") == [ids[0]]
    assert sorted(found(kind="answer", state="queued")) == sorted(ids[1:])
    make_agent(api.engine, slug="idle")
    assert found(agent="idle") == found(older_than="1h") == []
    assert len(found(agent="demo", older_than="0s")) == 6
    assert found(id=ids[2]) == [ids[2]]
    first = api.http.get("/api/jobs?limit=4", headers=api.admin).json()
    second = api.http.get(f"/api/jobs?limit=4&cursor={first['next_cursor']}", headers=api.admin).json()
    assert [row["id"] for row in first["jobs"] + second["jobs"]] == found()
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    ["state=lost", "kind=cake", "older_than=soon", "id=7", "ref=7", "session=x", "limit=0", "colour=red", "cursor=x"],
)
def test_a_wrong_filter_is_named(refusing_api, query):
    """422 names the parameter."""
    response = refusing_api.http.get(f"/api/jobs?{query}", headers=refusing_api.admin)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].split(".")[0] == query.partition("=")[0]


@pytest.mark.parametrize("in_body", [True, False])
def test_a_bulk_action_shows_first_and_acts_when_told(api, in_body):
    """`dry_run` is the default and changes nothing; without it the same filter is applied."""
    demo = api.http.get("/api/agents/demo", headers=api.admin).json()["id"]
    ids = {str(id_) for id_ in accept_many(api.engine, demo, 3)}

    def act(action, **wanted):
        sent = {"json": wanted} if in_body else {"params": wanted}
        return api.http.post(f"/api/jobs/{action}", headers=api.admin, **sent).json()

    preview = act("cancel", kind="answer")
    assert (preview["dry_run"], preview["matching"], preview["changed"], set(preview["job_ids"])) == (True, 3, 0, ids)
    assert act("retry", kind="answer")["matching"] == 0
    done = act("cancel", kind="answer", dry_run=False, limit=2)
    assert (done["dry_run"], done["matching"], done["changed"], len(done["job_ids"])) == (False, 3, 2, 2)
    assert act("cancel", kind="answer", dry_run=False)["changed"] == 1
    assert act("retry", state="cancelled", dry_run=False)["changed"] == 3
    states = {row["state"] for row in api.http.get("/api/jobs", headers=api.admin).json()["jobs"]}
    assert states == {"queued"}


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_a_bulk_action_on_everything_is_refused(refusing_api, action):
    """422 without any filter, so that a slip of the hand can't cancel all work."""
    response = refusing_api.http.post(f"/api/jobs/{action}?dry_run=false", headers=refusing_api.admin)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "filter")


def test_a_paused_queue_gives_no_work_until_it_is_resumed(api):
    """Messages are accepted meanwhile; a second pause keeps the first one's time; an unknown queue is a 404."""
    paused = api.http.post("/api/queues/ai-messages/pause", headers=api.admin).json()
    assert api.http.post("/api/queues/ai-messages/pause", headers=api.admin).json() == paused
    assert api.post().status_code == 202
    worker_id = make_worker(api.engine)
    assert claim(api.engine, worker_id) is None
    resumed = api.http.post("/api/queues/ai-messages/resume", headers=api.admin).json()
    assert resumed == {"name": "ai-messages", "paused_at": None}
    assert claim(api.engine, worker_id) is not None
    assert api.http.post("/api/queues/cakes/pause", headers=api.admin).json()["code"] == "unknown_queue"


def test_jobs_are_found_by_ref_and_by_session(api):
    """Twelve digits of an id find the job, and those of a session its messages; a whole id works in their place."""
    ids = [api.post().json()["message_id"] for _ in range(3)]
    session = api.http.get(f"/api/messages/{ids[1]}/status").json()["session_id"]
    followed = api.post(session_id=session).json()["message_id"]

    def found(**params):
        return [row["id"] for row in api.http.get("/api/jobs", params=params, headers=api.admin).json()["jobs"]]

    assert found(ref=ref_of(ids[0])) == found(ref=ids[0]) == [ids[0]]
    assert sorted(found(ref=[ref_of(ids[0]), ref_of(ids[2]).upper()])) == sorted([ids[0], ids[2]])
    assert found(ref="0" * 12) == []
    assert found(session=session) == found(session=ref_of(session)) == [followed, ids[1]]
    assert found(session=ref_of(session), ref=ref_of(ids[0])) == []
