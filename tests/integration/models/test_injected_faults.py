"""What each injected fault looks like to a client."""

import json
import math
import time

import httpx
import ollama
import pytest

from support.waiting import wait_until

NEVER = httpx.Timeout(10, read=2.0)  # a read that takes longer is taken for one that never ends


def _body(messages, **more):
    return {"model": "extractive", "messages": messages, **more}


def _lines(http, messages):
    return http.post("/api/chat", json=_body(messages)).text.splitlines()


def test_delay_before_the_first_token(server, http, messages):
    """The headers wait with the first token; the rest comes at once."""
    server.inject(first_token_delay_s=2.0)
    began = time.monotonic()
    with http.stream("POST", "/api/chat", json=_body(messages)) as reply:
        headers_after = time.monotonic() - began
        reply.read()
    assert headers_after >= 2.0
    assert time.monotonic() - began - headers_after < 2.0, "no other token waits as long"


def test_delay_of_each_token(server, http, messages, answer):
    """Twelve tokens have eleven pauses between them."""
    server.inject(token_delay_s=0.02)
    began = time.monotonic()
    assert len(_lines(http, messages)) == len(answer.split()) + 1
    assert time.monotonic() - began >= 0.02 * (len(answer.split()) - 1)


def test_a_stall_keeps_the_connection_silent(server, http, messages):
    """Three tokens come, then nothing, though the connection stays."""
    server.inject(stall_after=3)
    with http.stream("POST", "/api/chat", json=_body(messages), timeout=NEVER) as reply:
        lines = reply.iter_lines()
        assert [json.loads(next(lines))["done"] for _ in range(3)] == [False] * 3
        with pytest.raises(httpx.ReadTimeout):
            next(lines)
    wait_until(lambda: server.activity("chat")["running"] == 0)


def test_a_hang_sends_not_even_headers(server, http, messages):
    """The request is accepted and nothing comes back."""
    server.inject(hang=True)
    with pytest.raises(httpx.ReadTimeout):
        http.post("/api/chat", json=_body(messages), timeout=NEVER)
    with pytest.raises(httpx.ReadTimeout):
        http.post("/api/embed", json={"model": "lexical", "input": "x"}, timeout=NEVER)


def test_headers_without_a_body(server, http, messages):
    """The headers come at once, then nothing."""
    server.inject(headers_only=True)
    with http.stream("POST", "/api/chat", json=_body(messages), timeout=NEVER) as reply:
        assert reply.status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            next(reply.iter_raw())
    with pytest.raises(httpx.ReadTimeout):
        http.post("/api/embed", json={"model": "lexical", "input": "x"}, timeout=NEVER)


def test_a_truncated_stream_ends_without_done(server, http, messages):
    """The HTTP reply is complete, the generation isn't."""
    server.inject(truncate_after=4)
    lines = [json.loads(line) for line in _lines(http, messages)]
    assert len(lines) == 4
    assert not any(line["done"] for line in lines)


def test_garbage_is_one_line_that_is_not_json(server, http, messages):
    """The lines around it parse."""
    server.inject(garbage_after=2)
    lines = _lines(http, messages)
    assert json.loads(lines[1])["done"] is False
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[2])
    assert json.loads(lines[-1])["done"] is True


def test_a_drop_closes_the_connection_in_the_middle(server, http, messages):
    """The client sees an incomplete reply, after the tokens sent so far."""
    server.inject(drop_after=2)
    with http.stream("POST", "/api/chat", json=_body(messages)) as reply:
        lines = reply.iter_lines()
        assert [json.loads(next(lines))["done"] for _ in range(2)] == [False, False]
        with pytest.raises(httpx.RemoteProtocolError):
            next(lines)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_http_errors(server, client, messages, status):
    """Rate 1 fails every request with the given status, embeddings too."""
    server.inject(error_rate=1.0, error_status=status)
    for call in (lambda: client.chat("extractive", messages), lambda: client.embed("lexical", "x")):
        with pytest.raises(ollama.ResponseError) as refusal:
            call()
        assert refusal.value.status_code == status
        assert "injected fault" in refusal.value.error


def test_two_failures_and_then_success(server, http, messages):
    """How a retry is tested."""
    server.inject(error_rate=1.0, limit=2)
    statuses = [http.post("/api/chat", json=_body(messages)).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]


def test_only_the_chosen_endpoints_fail(server, http, messages):
    """A question can be embedded while chatting fails."""
    server.inject(error_rate=1.0, endpoints=["chat"])
    assert http.post("/api/chat", json=_body(messages)).status_code == 503
    assert http.post("/api/embed", json={"model": "lexical", "input": "x"}).status_code == 200


@pytest.mark.parametrize("fault", ["drop_after", "truncate_after"])
def test_breaking_off_without_streaming(server, http, messages, fault):
    """A reply in one piece, or a batch of vectors, is cut in the middle."""
    server.inject(**{fault: 0})
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("/api/chat", json=_body(messages, stream=False))
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("/api/embed", json={"model": "lexical", "input": "x"})


def test_garbage_without_streaming(server, http, messages):
    """The body is not JSON, though the status is 200."""
    server.inject(garbage_after=0)
    for path, body in (("chat", _body(messages, stream=False)), ("embed", {"model": "lexical", "input": "x"})):
        reply = http.post(f"/api/{path}", json=body)
        assert reply.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            reply.json()


def test_a_missing_model(server, client, messages):
    """A 404 says what Ollama's does, so that a client can tell it from a wrong address."""
    server.inject(error_rate=1.0, error_status=404)
    with pytest.raises(ollama.ResponseError, match="model not found"):
        client.chat("extractive", messages)


def _told(http, messages):
    *pieces, last = [json.loads(line) for line in _lines(http, messages)]
    return "".join(piece["message"]["content"] for piece in pieces), last


def _vectors(http):
    return http.post("/api/embed", json={"model": "lexical", "input": ["a lease", "a cat"]}).json()["embeddings"]


def test_an_empty_answer_and_no_vectors(server, http, messages):
    """Status 200, `done` at the end, and nothing in it."""
    server.inject(lie="empty")
    text, last = _told(http, messages)
    assert (text, last["done"]) == ("", True)
    assert _vectors(http) == []


def test_oversized_replies(server, http, messages):
    """A line above a mebibyte; numbers that are finite, but whose squares aren't."""
    server.inject(lie="oversized")
    assert len(_lines(http, messages)[0]) > 1 << 20
    assert {number for vector in _vectors(http) for number in vector} == {1.7e308}


def test_vectors_of_another_size_or_of_no_numbers(server, http):
    """As after a change of the model under the same name, and as of a model that overflowed."""
    honest = _vectors(http)
    server.inject(lie="wrong_size")
    assert [len(vector) for vector in _vectors(http)] == [len(vector) + 1 for vector in honest]
    server.inject(lie="not_a_number")
    assert all(math.isnan(number) for vector in _vectors(http) for number in vector)


def test_text_that_no_database_takes(server, http, messages):
    """U+0000 and half a surrogate pair are valid JSON, by way of escapes."""
    server.inject(lie="unprintable")
    text, last = _told(http, messages)
    assert "\x00\ud800" in text
    assert last["done_reason"] == "\x00\ud800"


def test_counts_that_cannot_be(server, http, messages):
    """Negative, and beyond any integer column."""
    server.inject(lie="wrong_counts")
    _, last = _told(http, messages)
    assert (last["prompt_eval_count"], last["eval_count"]) == (-1, 10**30)


def test_a_wrong_plan_is_refused_and_changes_nothing(server, http):
    """A misspelt fault is named."""
    reply = http.put("/faults", json={"drop": 1})
    assert reply.status_code == 400
    assert "drop" in reply.json()["error"]
    assert http.get("/faults").json()["faults"]["drop_after"] is None


def test_faults_can_be_cleared(server, http):
    """`DELETE` is the shortest way back."""
    server.inject(hang=True)
    assert http.delete("/faults").json()["faults"]["hang"] is False
