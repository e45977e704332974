"""The model server's HTTP, below the official client."""

import json

import pytest


def _chat(http, messages, **more):
    return http.post("/api/chat", json={"model": "extractive", "messages": messages, **more})


def test_every_line_of_a_stream_parses(http, messages):
    """Newline-delimited JSON without blank lines; streaming is the default."""
    reply = _chat(http, messages)
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert reply.text.endswith("\n")
    lines = [json.loads(line) for line in reply.text.removesuffix("\n").split("\n")]
    assert [line["done"] for line in lines].count(True) == 1
    assert lines[-1]["done"]
    assert {"model", "created_at", "message", "done"} <= lines[0].keys()
    assert {
        "done_reason",
        "total_duration",
        "load_duration",
        "prompt_eval_count",
        "prompt_eval_duration",
        "eval_count",
        "eval_duration",
    } <= lines[-1].keys()


def test_text_goes_through_unharmed(http):
    """Line separators and emoji inside the text don't break a line."""
    odd = "Odd\u2028 marks\u0085 🙂 are kept."
    messages = [
        {"role": "system", "content": f"Passages:\n\n[1] (a.md) {odd}"},
        {"role": "user", "content": "odd marks"},
    ]
    content = _chat(http, messages, stream=False).json()["message"]["content"]
    assert "🙂" in content


def test_the_prompt_says_what_to_reply_without_an_answer(http, messages):
    """The worker's instruction is followed to the letter; without it there is a plain sentence."""
    asked = {"role": "user", "content": "What is the capital of France?"}
    rule = "If the passages do not answer the question, reply exactly: Please ask our staff."
    told = {"role": "system", "content": f"Be kind.\n{rule}\n\n{messages[0]['content']}"}
    assert _chat(http, [told, asked], stream=False).json()["message"]["content"] == "Please ask our staff."
    plain = _chat(http, [messages[0], asked], stream=False).json()["message"]["content"]
    assert plain == "The given passages don't answer this question."


def test_version_and_root(http):
    """What clients probe before anything else."""
    assert http.get("/api/version").json()["version"]
    assert http.get("/").text == "Ollama is running"
    assert http.head("/").status_code == 200
    assert http.head("/api/tags").status_code == 200


def test_a_call_without_a_prompt_loads_the_model(http):
    """As with Ollama, an empty prompt is answered at once with the reason `load`."""
    for path, body in (("chat", {"messages": []}), ("generate", {})):
        reply = http.post(f"/api/{path}", json={"model": "extractive", **body}).json()
        assert (reply["done"], reply["done_reason"]) == (True, "load")


def test_an_empty_input_has_no_embedding(http):
    """As with Ollama."""
    assert http.post("/api/embed", json={"model": "lexical", "input": ""}).json()["embeddings"] == []
    assert http.post("/api/embeddings", json={"model": "lexical", "prompt": ""}).json()["embedding"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("chat", b"{", 400, "JSON"),
        ("chat", b"\xff", 400, "JSON"),
        ("chat", b"[]", 400, "body"),
        ("chat", b"{}", 400, "model is required"),
        ("chat", b'{"model": "extractive", "messages": "hi"}', 400, "messages"),
        ("chat", b'{"model": "extractive", "messages": [{"content": "hi"}]}', 400, "messages.0.role"),
        ("chat", b'{"model": "extractive", "options": {"temperature": "hot"}}', 400, "options.temperature"),
        ("chat", b'{"model": "extractive", "tools": [{}]}', 400, "does not support tools"),
        ("chat", b'{"model": "lexical"}', 400, "does not support chat"),
        ("generate", b'{"model": "extractive", "prompt": "x", "raw": true}', 400, "does not support raw"),
        ("embed", b'{"model": "extractive", "input": "x"}', 400, "does not support embeddings"),
        ("embed", b'{"model": "lexical", "input": 7}', 400, "input"),
        ("embed", b'{"model": "lexical", "input": "x", "dimensions": 1000}', 400, "dimensions"),
        ("pull", b'{"model": "extractive"}', 404, "/api/pull"),
    ],
)
def test_a_wrong_request_is_refused_with_its_reason(http, path, body, status, named):
    """One JSON object with `error`, whatever was sent; the server goes on."""
    reply = http.post(f"/api/{path}", content=body)
    assert reply.status_code == status
    assert named in reply.json()["error"]


def test_the_content_type_does_not_matter(http, messages):
    """`curl -d` sends a form's content type; Ollama reads it as JSON all the same."""
    body = json.dumps({"model": "extractive", "messages": messages, "stream": False, "unknown": 1}).encode()
    reply = http.post("/api/chat", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert reply.json()["done"]
