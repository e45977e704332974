"""Who may do what: every operation of the OpenAPI document with a key of every scope, and what others can find out."""

import hashlib
import inspect
from uuid import uuid4

import pytest
from sqlalchemy import text

from relais.store.api_keys import add_api_key, revoke_api_key
from relais_api.admin import keys as key_checks
from support.api import fresh_api

REACH = {"read": 1, "ops": 2, "admin": 3}
# The whole of the API: an operation that isn't here fails the test, so that nobody forgets to decide.
NEEDS = {
    "GET /api/agents": "read",
    "POST /api/agents": "admin",
    "GET /api/agents/{slug}": "read",
    "PATCH /api/agents/{slug}": "admin",
    "DELETE /api/agents/{slug}": "admin",
    "GET /api/agents/{slug}/documents": "read",
    "POST /api/agents/{slug}/documents": "admin",
    "GET /api/agents/{slug}/documents/{document_id}": "read",
    "DELETE /api/agents/{slug}/documents/{document_id}": "admin",
    "GET /api/jobs": "read",
    "POST /api/jobs/retry": "ops",
    "POST /api/jobs/cancel": "ops",
    "POST /api/jobs/unlock": "ops",
    "POST /api/jobs/clean": "ops",
    "GET /api/jobs/{ref}": "read",
    "POST /api/agents/{slug}/pause": "ops",
    "POST /api/agents/{slug}/resume": "ops",
    "GET /api/audit": "read",
    "GET /api/silences": "read",
    "POST /api/silences": "ops",
    "DELETE /api/silences/{silence_id}": "ops",
    "GET /api/key": "read",
    "POST /api/queues/{name}/pause": "ops",
    "POST /api/queues/{name}/resume": "ops",
    "POST /api/queues/{name}/reconcile": "ops",
    "GET /api/diagnosis": "read",
    "GET /c/{token}": None,
    "POST /c/{token}/message": None,
    "GET /api/messages/{message_id}/status": None,
    "GET /api/messages/{message_id}/events": None,
    "GET /api/messages/{message_id}/explain": None,
    "POST /api/messages/{message_id}/retry": None,
    "POST /api/messages/{message_id}/cancel": None,
    "GET /api/sessions/{session_id}/messages": None,
    "GET /healthz": None,
    "GET /readyz": None,
}
PLACES = {
    "slug": "nobody",
    "name": "nothing",
    "token": "unknown",
    "ref": "0" * 12,
    "silence_id": "7",
}  # nothing is changed by what passes
BODIES = {
    "POST /api/agents": {},
    "PATCH /api/agents/{slug}": {},
    "POST /api/jobs/retry": {},
    "POST /api/jobs/cancel": {},
    "POST /api/jobs/unlock": {},
    "POST /api/jobs/clean": {},
    "POST /api/silences": {},
}

BULK = {"json": {"agent": "demo", "dry_run": False}}
SILENCE = {"rule": "RelaisBacklogLarge", "minutes": 5}


@pytest.fixture(scope="module")
def keys(api):
    """A key of each scope, one that was revoked, and none."""
    with api.engine.begin() as conn:
        made = {scope: add_api_key(conn, name=scope, scope=scope) for scope in REACH}
        made["revoked"] = add_api_key(conn, name="revoked", scope="admin")
        revoke_api_key(conn, "revoked")
    return made | {"unknown": "rk_" + "x" * 43, "none": None}


def call(api, operation: str, key: str | None):
    """Call an operation with ids that nothing has."""
    method, path = operation.split(" ")
    for name in ("message_id", "session_id", "document_id"):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    for name, value in PLACES.items():
        path = path.replace(f"{{{name}}}", value)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return api.http.request(method, path, headers=headers, json=BODIES.get(operation))


def test_somebody_decided_about_every_operation(api):
    """The table of this test is the OpenAPI document's, and what needs a key says so there."""
    listed = {
        f"{method.upper()} {path}": operation
        for path, item in api.http.get("/openapi.json").json()["paths"].items()
        for method, operation in item.items()
    }
    assert set(listed) == set(NEEDS)
    for name, operation in listed.items():
        assert bool(operation.get("security")) == (NEEDS[name] is not None), name


@pytest.mark.parametrize("operation", [name for name, needed in NEEDS.items() if needed])
def test_every_scope_on_every_operation(api, keys, operation):
    """A key opens what its scope reaches and nothing else; no key, a wrong one and a revoked one open nothing."""
    for holder, key in keys.items():
        status = call(api, operation, key).status_code
        if holder not in REACH:
            assert status == 401, holder
        elif REACH[holder] < REACH[NEEDS[operation]]:
            assert status == 403, holder
        else:
            assert status not in {401, 403}, holder


@pytest.mark.parametrize("operation", ["POST /api/agents/{slug}/documents", "GET /api/agents/{slug}"])
def test_a_refusal_does_not_tell_whether_the_thing_exists(api, keys, operation):
    """Without the scope, an agent that exists and one that doesn't get the same answer."""
    for holder in ("none", "unknown"):
        there = call(api, operation.replace("{slug}", "demo"), keys[holder])
        assert there.content == call(api, operation, keys[holder]).content


def test_every_change_that_needs_a_key_leaves_one_record(postgres):
    """Each operation of the table but the reading ones, done with success on something that is there."""
    with fresh_api(postgres, "records") as api:
        models = {"chat_model": "m", "embedding_model": "m"}
        put = api.http.post(
            "/api/agents/demo/documents", headers=api.admin, files={"file": ("a.md", b"# A", "text/markdown")}
        ).json()["documents"][0]["document_id"]
        silence = api.http.post("/api/silences", headers=api.admin, json=SILENCE).json()["id"]
        api.post()
        with api.engine.begin() as conn:
            conn.execute(text("UPDATE jobs SET state = 'pending', created_at = created_at - interval '1 minute'"))
        sent = {
            "POST /api/queues/{name}/reconcile": {"params": {"dry_run": False}},
            "POST /api/agents": {"json": {"slug": "new", "name": "New"} | models},
            "PATCH /api/agents/{slug}": {"json": {"name": "Newer"}},
            "POST /api/agents/{slug}/documents": {"files": {"file": ("b.md", b"# B", "text/markdown")}},
            "POST /api/silences": {"json": SILENCE},
            **{operation: BULK for operation in NEEDS if operation.startswith("POST /api/jobs/")},
        }
        changing = [name for name, needed in NEEDS.items() if needed and not name.startswith("GET ")]
        last = "DELETE /api/agents/{slug}"
        for operation in (*sent, *sorted(set(changing) - {*sent, last}), last):
            method, path = operation.split(" ")
            names = {"slug": "demo", "name": "ai-messages", "document_id": put, "silence_id": silence}
            before = _records(api)
            reply = api.http.request(method, path.format(**names), headers=api.admin, **sent.get(operation, {}))
            assert reply.is_success, (operation, reply.text)
            assert _records(api) == before + 1, operation
        assert set(sent) < set(changing)


def _records(api) -> int:
    with api.engine.connect() as conn:
        return conn.execute(text("SELECT count(*) FROM operator_actions")).scalar_one()


def test_a_wrong_key_does_not_say_why(api, keys):
    """Unknown and revoked keys can't be told apart."""
    answers = {call(api, "GET /api/agents", keys[holder]).content for holder in ("unknown", "revoked")}
    assert len(answers) == 1


@pytest.mark.parametrize("header", ["Basic {}", "bearer", "Bearer", "Bearer {} {}", "{}", "Bearer ü{}"])
def test_a_key_in_another_shape_is_none(api, keys, header):
    """Only `Bearer` and the key itself are taken."""
    sent = {"Authorization": header.format(*[keys["admin"]] * header.count("{}")).encode()}
    assert api.http.get("/api/agents", headers=sent).status_code == 401


def test_keys_are_stored_as_hashes(api, keys):
    """The table has SHA-256 of the key, and nothing that opens anything."""
    with api.engine.begin() as conn:
        rows = conn.execute(text("SELECT name, key_sha256, api_keys::text AS whole FROM api_keys")).all()
    stored = {row.name: row for row in rows}
    assert bytes(stored["admin"].key_sha256) == hashlib.sha256(keys["admin"].encode()).digest()
    assert all(key not in row.whole for key in keys.values() if key for row in rows)


def test_the_key_of_the_settings_is_compared_in_constant_time():
    """Hashes of equal length are compared with hmac.compare_digest; stored ones are looked up by their hash."""
    assert "hmac.compare_digest(sent, parts.admin_key_sha256)" in inspect.getsource(key_checks)


def test_ids_are_random(api):
    """Message and session ids act as capabilities: UUIDs of 122 random bits."""
    made = [api.post().json() for _ in range(5)]
    for body in made:
        for name in ("message_id", "session_id"):
            assert body[name][14] == "4"
            assert body[name][19] in "89ab"


def test_a_session_of_another_agent_is_unknown(api):
    """Knowing a session's id doesn't help to write into it through another agent."""
    made = api.http.post(
        "/api/agents",
        json={"slug": "other", "name": "Other", "chat_model": "m", "embedding_model": "m"},
        headers=api.admin,
    ).json()
    session_id = api.post().json()["session_id"]
    refused = api.post(token=made["token"], session_id=session_id)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_session")
    never = api.post(token=made["token"], session_id=str(uuid4()))
    assert never.json() == refused.json()
