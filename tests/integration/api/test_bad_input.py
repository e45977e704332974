"""Every bad input gets a problem document that names the field and the remedy, never a traceback."""

import json
import re
from uuid import uuid4

import pytest

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def api(refusing_api):
    """A refusal leaves nothing behind that another test could see."""
    return refusing_api


def assert_problem(response, status: int, code: str) -> dict:
    """The response is the RFC 9457 problem expected; return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:relais:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in response.text
    return problem


def fields(problem: dict) -> set[str]:
    """The fields that the problem lists, as location.field."""
    for error in problem["errors"]:
        assert error["message"].endswith(".")
    return {f"{error['location']}.{error['field']}" for error in problem["errors"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.content"),
        ({"content": ""}, "body.content"),
        ({"content": " \n\t "}, "body.content"),
        ({"content": None}, "body.content"),
        ({"content": 7}, "body.content"),
        ({"content": ["a"]}, "body.content"),
        ({"content": "a\x00b"}, "body.content"),
        ({"content": "a\x07b"}, "body.content"),
        ({"content": "a\x1b[31mb"}, "body.content"),
        ({"content": "a\x7fb"}, "body.content"),
        ({"content": "a\x85b"}, "body.content"),
        ({"content": "a", "session_id": "not-a-uuid"}, "body.session_id"),
        ({"content": "a", "session_id": 12}, "body.session_id"),
        ({"content": "a", "user_ref": ""}, "body.user_ref"),
        ({"content": "a", "user_ref": "u" * 201}, "body.user_ref"),
        ({"content": "a", "user_ref": "u\x00"}, "body.user_ref"),
        ({"content": "a", "metadata": []}, "body.metadata"),
        ({"content": "a", "metadata": None}, "body.metadata"),
        ({"content": "a", "metadata": {"k": "v" * 9000}}, "body.metadata"),
        ({"content": "a", "metadata": {"k": [[[[[[1]]]]]]}}, "body.metadata"),
        ({"content": "a", "metadata": {"k": "a\x00"}}, "body.metadata"),
        ({"content": "a", "metadata": {"a\x00": 1}}, "body.metadata"),
        ({"content": "a", "priority": 1}, "body.priority"),
    ],
)
def test_a_wrong_field_is_named(api, body, field):
    """422 lists the field that is wrong."""
    response = api.http.post("/c/demo-token/message", json=body)
    assert fields(assert_problem(response, 422, "invalid_request")) == {field}


def test_all_wrong_fields_are_listed_at_once(api):
    """A client sees every mistake in one answer."""
    response = api.post("", session_id="x", user_ref=1, metadata="m", extra=True)
    listed = fields(assert_problem(response, 422, "invalid_request"))
    assert listed == {"body.content", "body.session_id", "body.user_ref", "body.metadata", "body.extra"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"content": "\\ud800"}',
        b'{"content": "a\xff"}',
        b'{"content": "a", "metadata": {"n": NaN}}',
        b'{"content": "a", "metadata": {"n": 1e999}}',
        b'{"content": "a", "metadata": {"n": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
        b'{"content": "a", "metadata": {"n": ' + b"9" * 5_000 + b"}}",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api, body):
    """422 for whatever can't be read as the object that the contract asks for."""
    response = api.http.post("/c/demo-token/message", content=body, headers=JSON)
    assert_problem(response, 422, "invalid_request")


@pytest.mark.parametrize("content", ["a\nb\r\n\tc", "naïve 😀 日本語", "\u200bzero width", "x" * 32_768, "é" * 32_768])
def test_every_text_within_the_limits_is_taken(api, content):
    """Line ends, tabs and any other character of Unicode are stored as they came, up to the limit."""
    receipt = api.post(content)
    assert receipt.status_code == 202
    page = api.http.get(f"/api/sessions/{receipt.json()['session_id']}/messages").json()
    assert page["messages"][0]["question"] == content


def test_a_text_above_the_agents_limit_is_too_large(api):
    """413 says how long it is and how long it may be."""
    problem = assert_problem(api.post("x" * 32_769), 413, "too_large")
    assert "32769" in problem["detail"]
    assert "32768" in problem["detail"]


def test_a_body_above_the_limit_is_refused_unread(api):
    """413 by the declared length, before anything parses it."""
    assert_problem(api.post("x" * 2_000_000), 413, "too_large")


@pytest.mark.parametrize("path", ["/c/demo-token/message", "/api/agents"])
def test_a_body_of_unknown_length_is_refused_at_the_limit(api, path):
    """413 for a chunked body too, on every route."""
    chunks = (b"x" * 65_536 for _ in range(32))
    response = api.http.post(path, content=chunks, headers={**JSON, **api.admin})
    assert_problem(response, 413, "too_large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_content_type_is_not_supported(api, content_type):
    """415 names JSON as what to send."""
    response = api.http.post(
        "/c/demo-token/message", content=b'{"content": "a"}', headers={"Content-Type": content_type}
    )
    assert "application/json" in assert_problem(response, 415, "unsupported_media_type")["detail"]


@pytest.mark.parametrize("token", ["unknown", "a" * 500, "%00", "..%2f..", "%ff", "demo-token%20"])
def test_an_unknown_token_is_not_found(api, token):
    """404 for any token that no agent has, well-formed or not."""
    assert_problem(api.http.get(f"/c/{token}"), 404, "unknown_agent") if "%2f" not in token else None
    response = api.http.post(f"/c/{token}/message", json={"content": "a"})
    assert response.status_code == 404
    assert response.json()["code"] in {"unknown_agent", "not_found"}


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "käse", "a\tb"])
def test_a_bad_idempotency_key_is_named(api, key):
    """422 names the header and what it may hold."""
    response = api.post(headers={"Idempotency-Key": key.encode()})
    assert fields(assert_problem(response, 422, "invalid_request")) == {"header.Idempotency-Key"}


@pytest.mark.parametrize("key", ["k", "k" * 255, '"8e03978e-40d5-43e8-bc93-6894a57f9324"', "~!@#$%^&*()"])
def test_a_good_idempotency_key_is_taken(api, key):
    """Any 1 to 255 visible ASCII characters."""
    assert api.post(headers={"Idempotency-Key": key}).status_code == 202


PER_MESSAGE = [("GET", "status"), ("GET", "events"), ("POST", "retry"), ("POST", "cancel")]


@pytest.mark.parametrize(("method", "action"), PER_MESSAGE)
def test_an_unknown_message_is_not_found(api, method, action):
    """404 for an id that no message has."""
    assert_problem(api.http.request(method, f"/api/messages/{uuid4()}/{action}"), 404, "unknown_message")


@pytest.mark.parametrize(("method", "action"), PER_MESSAGE)
def test_a_malformed_message_id_is_named(api, method, action):
    """422 names the part of the path."""
    response = api.http.request(method, f"/api/messages/17/{action}")
    assert fields(assert_problem(response, 422, "invalid_request")) == {"path.message_id"}


def test_an_unknown_session_is_not_found(api):
    """404 for a session that never was; 422 for an id that can't be one."""
    assert_problem(api.http.get(f"/api/sessions/{uuid4()}/messages"), 404, "unknown_session")
    assert_problem(api.http.get("/api/sessions/x/messages"), 422, "invalid_request")


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "WzEsMl0", "W3RydWVd", "%00", "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMF0"])
def test_a_foreign_cursor_is_named(api, cursor):
    """422 for whatever is no cursor of this list."""
    session_id = api.post().json()["session_id"]
    response = api.http.get(f"/api/sessions/{session_id}/messages?cursor={cursor}")
    assert fields(assert_problem(response, 422, "invalid_request")) == {"query.cursor"}


def test_an_unknown_address_or_method_is_a_problem_too(api):
    """404 and 405 are problem documents; 405 lists the methods."""
    assert_problem(api.http.get("/nowhere"), 404, "not_found")
    refused = api.http.delete("/c/demo-token/message")
    assert_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/agents", "GET, POST"),
        ("/api/agents/demo", "DELETE, GET, PATCH"),
        ("/api/agents/demo/documents", "GET, POST"),
        ("/api/agents/demo/documents/00000000-0000-4000-8000-000000000000", "DELETE, GET"),
    ],
)
def test_allow_lists_every_method_of_an_address(api, path, allowed):
    """405 names all methods, not only those of the route that is looked at first."""
    assert api.http.options(path, headers=api.admin).headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/api/agents", "/api/jobs/retry"])
@pytest.mark.parametrize("body", [b"\xff", b"[" * 200_000, b'{"a": ' + b"9" * 5_000 + b"}"])
def test_an_unreadable_body_is_invalid_on_every_route(api, path, body):
    """422, as for any other body that can't be read: bad UTF-8, nesting without end, a number without end."""
    response = api.http.post(path, content=body, headers={**JSON, **api.admin})
    assert_problem(response, 422, "invalid_request")


# Starlette leaves the file of an unfinished part to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\nFalse--b--\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"X-A: " + b"a" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.md"\r\n\r\nx\r\n' * 101 + b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n' * 5_000 + b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="\xff\xfe.md"\r\n\r\nx',
        b"",
    ],
    ids=["no header", "no name", "long header", "many files", "many fields", "no end", "nothing"],
)
def test_a_broken_multipart_body_is_invalid(api, body):
    """422 for whatever multipart makes no files; parts are counted while they are parsed."""
    headers = {"Content-Type": "multipart/form-data; boundary=b", **api.admin}
    response = api.http.post("/api/agents/demo/documents", content=body, headers=headers)
    assert_problem(response, 422, "invalid_request")


def test_multipart_without_a_boundary_is_invalid(api):
    """A content type that can't be split is refused as the body's fault."""
    headers = {"Content-Type": "multipart/form-data", **api.admin}
    assert_problem(api.http.post("/api/agents/demo/documents", content=b"x", headers=headers), 422, "invalid_request")


def test_every_answer_carries_the_security_headers(api):
    """Also errors: nosniff, no referrer (addresses are capabilities), no framing, no caching."""
    for path in ("/healthz", "/nowhere", "/c/demo-token", "/c/unknown"):
        headers = api.http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_openapi_documents_the_problems(api):
    """Each refusal of a message is documented as application/problem+json with the shape it has."""
    document = api.http.get("/openapi.json").json()
    responses = document["paths"]["/c/{token}/message"]["post"]["responses"]
    for status in ("404", "409", "413", "415", "422", "429", "503"):
        assert set(responses[status]["content"]) == {"application/problem+json"}
    assert "code" in document["components"]["schemas"]["Problem"]["required"]
    assert document["paths"]["/c/{token}/message"]["post"]["requestBody"]["required"]


def test_openapi_is_complete(api):
    """Every reference leads somewhere, and every operation with a body says that it may be too large or too slow."""
    document = api.http.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert set(re.findall(r'"#/([^"]*)"', json.dumps(document))) <= {f"components/schemas/{name}" for name in schemas}
    for path in document["paths"].values():
        for operation in path.values():
            assert "requestBody" not in operation or {"408", "413"} <= set(operation["responses"])


def test_the_reference_needs_no_other_host_and_no_script(api):
    """`/docs` lists every address, under a policy that forbids scripts, and loads nothing from elsewhere."""
    page = api.http.get("/docs")
    assert "script" not in page.headers["content-security-policy"]
    assert not re.search(r"<script|https?://|\son\w+=", page.text)
    for path in api.http.get("/openapi.json").json()["paths"]:
        assert path in page.text
    for asset in re.findall(r'"(/assets/[^"]+)"', page.text):
        assert api.http.get(asset).status_code == 200
