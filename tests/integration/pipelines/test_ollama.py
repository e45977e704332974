"""The border to Ollama: what streams in, and how every failure is named."""

import json
import time
from collections.abc import Sequence

import pytest

from relais.errors import JobError, PartAwayError, PermanentError, RunAborted, TransientError
from relais_cli.parts.ports import free_port
from relais_worker.adapters.ollama import ChatChunk, ChatRequest, Ollama
from support.progress import RecordedProgress
from support.scripted_server import END_OF_STREAM, OK_STREAM, Step, chunk, http_reply, scripted

REQUEST = ChatRequest("llama", [{"role": "user", "content": "Hi"}], 0.2, 4096, 1024)


def line(text: str, **fields: object) -> bytes:
    message = {"role": "assistant", "content": text}
    return (
        json.dumps({"model": "llama", "message": message, "done": False} | fields, ensure_ascii=False).encode() + b"\n"
    )


DONE = line("", done=True, done_reason="stop", prompt_eval_count=12, eval_count=3)


def chat(steps: Sequence[Step], progress: RecordedProgress | None = None, idle_s: float = 5.0) -> list[ChatChunk]:
    with scripted(*steps) as server:
        ollama = Ollama(server.url, idle_timeout_s=idle_s)
        return list(ollama.chat(REQUEST, progress or RecordedProgress()))


def chat_failure(*steps: Step, idle_s: float = 5.0) -> JobError:
    with pytest.raises(JobError) as raised:
        chat(steps, idle_s=idle_s)
    return raised.value


def test_an_answer_streams_in_pieces_and_ends_with_the_counts() -> None:
    """Pieces come as they were sent, however lines and network packets are cut; the last has what `done` says."""
    half = line("lo")
    pieces = [OK_STREAM, chunk(line("Hel") + half[:9]), 0.05, chunk(half[9:]), chunk(DONE), END_OF_STREAM]
    chunks = chat(pieces)
    assert "".join(piece.text for piece in chunks) == "Hello"
    assert chunks[-1] == ChatChunk("", done=True, done_reason="stop", tokens_prompt=12, tokens_completion=3)


def test_the_request_asks_for_a_stream_within_the_context() -> None:
    """Context and answer length are set, since Ollama otherwise cuts a long prompt silently."""
    with scripted(OK_STREAM, chunk(DONE), END_OF_STREAM) as server:
        list(Ollama(server.url + "/").chat(REQUEST, RecordedProgress()))
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/chat HTTP/1.1")
    sent = json.loads(body)
    assert sent["stream"] is True
    assert sent["options"] == {"temperature": 0.2, "num_ctx": 4096, "num_predict": 1024}


def test_unicode_line_separators_within_an_answer_are_no_line_ends() -> None:
    """U+0085 and U+2028 may stand in JSON; U+0000 and lone surrogates, which PostgreSQL refuses, don't get through."""
    sent = line("a\u0085b\u2028c") + b'{"message": {"content": "\\u0000\\ud83d!"}, "done": false}\n' + DONE
    assert "".join(piece.text for piece in chat([OK_STREAM, chunk(sent), END_OF_STREAM])) == "ab\u2028c\ufffd!"


def test_a_model_that_is_missing_is_permanent_and_says_how_to_get_it() -> None:
    """The error names the model and the command that installs it."""
    body = b"""{"error": "model 'llama' not found"}"""
    error = chat_failure(http_reply("404 Not Found", body))
    assert isinstance(error, PermanentError)
    assert error.reason == "model_missing"
    assert "'llama'" in error.message
    assert "`ollama pull llama`" in error.message


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        (http_reply("503 Service Unavailable", b'{"error": "server busy"}'), PartAwayError, "ollama_overloaded"),
        (http_reply("429 Too Many Requests"), PartAwayError, "ollama_overloaded"),
        (http_reply("500 Internal Server Error", b'{"error": "out of memory"}'), PartAwayError, "ollama_server_error"),
        (http_reply("404 Not Found", b"404 page not found", "text/plain"), PermanentError, "ollama_refused"),
        (http_reply("400 Bad Request", b'{"error": "does not support chat"}'), PermanentError, "ollama_refused"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", PartAwayError, "ollama_disconnected"),
        (b"", PartAwayError, "ollama_disconnected"),
    ],
    ids=["503", "429", "500", "404 of another server", "400", "not HTTP", "hangs up"],
)
def test_a_refusal_is_translated_once(reply: bytes, kind: type[JobError], reason: str) -> None:
    """Overload and the server's own failures may pass; a request that is refused as such won't get better."""
    error = chat_failure(reply)
    assert type(error) is kind
    assert error.reason == reason


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([OK_STREAM, chunk(line("Hel")), END_OF_STREAM], "ollama_bad_reply"),
        ([OK_STREAM, chunk(line("Hel"))], "ollama_disconnected"),
        ([OK_STREAM, chunk(line("Hel") + b"<html>\n")], "ollama_bad_reply"),
        ([OK_STREAM, chunk(b"[1]\n")], "ollama_bad_reply"),
        ([OK_STREAM, chunk(b"\xff\xfe\n")], "ollama_bad_reply"),
        ([OK_STREAM, chunk(b"x" * (2 << 20))], "ollama_bad_reply"),
        ([OK_STREAM, chunk(b"[" * 100_000 + b"\n")], "ollama_bad_reply"),
        ([OK_STREAM, chunk(line("Hel") + b'{"error": "runner crashed"}\n')], "ollama_server_error"),
    ],
    ids=[
        "no done",
        "dropped",
        "garbage",
        "not an object",
        "not UTF-8",
        "endless line",
        "too deep",
        "error in the stream",
    ],
)
def test_a_broken_stream_is_transient(steps: list[Step], reason: str) -> None:
    """Whatever breaks off or garbles an answer, another attempt may bring it whole."""
    error = chat_failure(*steps)
    assert isinstance(error, TransientError)
    assert error.reason == reason


def test_what_a_server_says_of_itself_is_text_that_the_database_takes() -> None:
    """An error text or a `done_reason` with U+0000 or half a surrogate pair could neither be logged nor stored."""
    awkward = "a\x00\ud800"
    said = json.dumps({"error": awkward}).encode()
    for reply in ([http_reply("500 Internal Server Error", said)], [OK_STREAM, chunk(said + b"\n")]):
        assert chat_failure(*reply).reason == "ollama_server_error"
    assert "a\ufffd" in chat_failure(http_reply("400 Bad Request", said)).message
    done = json.dumps({"done": True, "done_reason": awkward}).encode() + b"\n"
    (last,) = chat([OK_STREAM, chunk(done), END_OF_STREAM])
    assert last.done_reason == "a\ufffd"


@pytest.mark.parametrize("count", [-1, 1 << 31, 10**30, True, "3", 1.5])
def test_a_token_count_that_cannot_be_is_unknown(count: object) -> None:
    """What no integer column takes must not cost the answer that it came with."""
    (last,) = chat([OK_STREAM, chunk(line("", done=True, prompt_eval_count=count, eval_count=count)), END_OF_STREAM])
    assert (last.tokens_prompt, last.tokens_completion) == (None, None)


def test_a_server_that_is_away_is_unreachable() -> None:
    """A refused connection is transient."""
    with scripted() as server:
        url = server.url
    with pytest.raises(TransientError) as raised:
        list(Ollama(url).chat(REQUEST, RecordedProgress()))
    assert raised.value.reason == "ollama_unreachable"


def test_silence_ends_at_the_idle_timeout() -> None:
    """A server that accepts the request and says nothing doesn't hold a worker for long."""
    started = time.monotonic()
    assert chat_failure(30.0, idle_s=0.5).reason == "ollama_timeout"
    assert time.monotonic() - started < 5


def test_a_slow_drip_does_not_evade_the_deadline() -> None:
    """Bytes that keep coming reset httpx's timeout, not the attempt's deadline (encode/httpx#1450)."""
    drip = [step for _ in range(600) for step in (chunk(line(".")), 0.05)]
    progress = RecordedProgress(deadline_s=0.6)
    started = time.monotonic()
    with pytest.raises(TransientError) as raised:
        chat([OK_STREAM, *drip], progress)
    assert raised.value.reason == "deadline_exceeded"
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("sent", [b"", OK_STREAM, OK_STREAM + chunk(line("Hel"))], ids=["nothing", "head", "token"])
def test_a_cancel_ends_a_stream_that_sends_nothing(sent: bytes) -> None:
    """Within a moment, whether it is silent before the headers or in mid-answer, and the server sees the client go."""
    started = time.monotonic()
    with scripted(sent, 30.0) as server:
        with pytest.raises(RunAborted):
            list(Ollama(server.url).chat(REQUEST, RecordedProgress(aborts_after_s=0.3)))
        assert server.left.wait(5)
    assert time.monotonic() - started < 5


def test_a_consumer_that_stops_closes_the_connection() -> None:
    """An answer that nobody reads on is not generated on."""
    with scripted(OK_STREAM, chunk(line("Hel")), 30.0) as server:
        stream = Ollama(server.url).chat(REQUEST, RecordedProgress())
        assert next(stream).text == "Hel"
        stream.close()  # type: ignore[attr-defined] # a generator
        assert server.left.wait(5)


def test_embeddings_come_in_the_order_of_the_texts() -> None:
    """One request for a batch; numbers become floats."""
    with scripted(http_reply("200 OK", b'{"embeddings": [[1, 0.5], [0, 1]]}')) as server:
        vectors = Ollama(server.url).embed("nomic", ["a", "b"], RecordedProgress())
        sent = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert vectors == [[1.0, 0.5], [0.0, 1.0]]
    assert sent == {"model": "nomic", "input": ["a", "b"]}


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"nonsense",
        b"[]",
        b'{"embeddings": [[1, 2]]}',
        b'{"embeddings": [[1, 2], [1]]}',
        b'{"embeddings": [[], []]}',
        b'{"embeddings": [[1, NaN], [1, 2]]}',
        b'{"embeddings": [["a", 1], [1, 2]]}',
        b'{"embeddings": [[1e39, 1], [1, 2]]}',
        b'{"embeddings": [[1' + b"0" * 400 + b", 1], [1, 2]]}",
        b"[" * 100_000,
        b'{"embeddings": [null, [1, 2]]}',
    ],
)
def test_embeddings_that_make_no_sense_are_a_bad_reply(body: bytes) -> None:
    """Too few, of different lengths, empty, not numbers or beyond 32-bit floats: none of it reaches the index."""
    with scripted(http_reply("200 OK", body)) as server, pytest.raises(TransientError) as raised:
        Ollama(server.url).embed("nomic", ["a", "b"], RecordedProgress())
    assert raised.value.reason == "ollama_bad_reply"


def test_a_missing_embedding_model_is_permanent() -> None:
    """As with chat, the error says how to install it."""
    reply = http_reply("404 Not Found", b'{"error": "model \\"nomic\\" not found, try pulling it first"}')
    with scripted(reply) as server, pytest.raises(PermanentError, match="ollama pull nomic"):
        Ollama(server.url).embed("nomic", ["a"], RecordedProgress())


def test_an_address_that_is_none_is_a_wrong_setting() -> None:
    """Nothing but a change of RELAIS_OLLAMA_URL helps."""
    with pytest.raises(PermanentError, match="RELAIS_OLLAMA_URL"):
        Ollama("localhost:11434").embed("nomic", ["a"], RecordedProgress())


def test_a_server_that_answers_is_there_whatever_it_says() -> None:
    """The probe takes any reply for a sign of life, but a 5xx, which a proxy gives that has lost its server."""
    for reply in (http_reply("200 OK", b"{}"), http_reply("404 Not Found")):
        with scripted(reply) as server:
            Ollama(server.url).probe()
    with scripted(http_reply("502 Bad Gateway")) as server, pytest.raises(PartAwayError):
        Ollama(server.url).probe()


def test_a_server_that_drips_or_is_silent_is_not_there() -> None:
    """The probe has a limit for the whole reply, since each byte would begin a limit per read anew."""
    dripping = [step for _ in range(40) for step in (b"H", 0.1)]
    for steps in ([10.0], dripping):
        with scripted(*steps) as server, pytest.raises(PartAwayError) as raised:
            Ollama(server.url).probe(timeout_s=0.3)
        assert raised.value.reason == "ollama_timeout"


def test_only_a_request_without_a_connection_never_reached_the_server() -> None:
    """A refused connection is no attempt; one that was made and lost may have been the cause."""
    with pytest.raises(PartAwayError) as refused:
        Ollama(f"http://127.0.0.1:{free_port()}").embed("m", ["x"], RecordedProgress())
    assert not refused.value.reached
    lost = chat_failure(b"")
    assert isinstance(lost, PartAwayError)
    assert lost.reached
