"""Calls Ollama: chats as a stream, embeds in batches.

No call is retried here: retries live in the database (DESIGN.md §2, rule 4).
"""

import json
import math
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from relais_worker.adapters.interruptible import InterruptibleTransport
from relais_worker.adapters.ollama_failures import bad_reply, failures_translated, refusal, server_error
from relais_worker.plain_text import plain_text
from relais_worker.progress import Progress

Message = dict[str, str]
Vector = list[float]

_LONGEST_LINE_BYTES = 1 << 20
_WRITE_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What to generate from; `answer_tokens` limits the answer, so that it can't overflow `context_tokens`."""

    model: str
    messages: Sequence[Message]
    temperature: float
    context_tokens: int
    answer_tokens: int


@dataclass(frozen=True, slots=True)
class ChatChunk:
    """A piece of the answer; the last one, with `done`, carries the counts as far as the server gave them."""

    text: str
    done: bool = False
    done_reason: str | None = None
    tokens_prompt: int | None = None
    tokens_completion: int | None = None


@dataclass(frozen=True)
class Ollama:
    """A model server at `url`; safe to share between threads.

    Args:
        url: such as `http://127.0.0.1:11434`.
        idle_timeout_s: longest silence; must be above the time to load a model, below an attempt's deadline.
        connect_timeout_s: longest wait for a connection.
    """

    url: str
    idle_timeout_s: float = 120.0
    connect_timeout_s: float = 5.0
    _tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)  # costs 10 ms to make

    def chat(self, request: ChatRequest, progress: Progress) -> Iterator[ChatChunk]:
        """Yield the answer as it is generated; the last chunk has `done`.

        Raises:
            TransientError, PermanentError: as `ollama_failures` says; also what `progress.check` raises, at any time.
        """
        body = {
            "model": request.model,
            "messages": list(request.messages),
            "stream": True,
            "options": {
                "temperature": request.temperature,
                "num_ctx": request.context_tokens,
                "num_predict": request.answer_tokens,
            },
        }
        with self._post("/api/chat", body, progress) as response:
            for line in _lines(response.iter_bytes()):
                chunk = _read_chunk(line)
                yield chunk
                if chunk.done:
                    return
        raise bad_reply("the stream ended without `done`")

    def embed(self, model: str, texts: Sequence[str], progress: Progress) -> list[Vector]:
        """Embed one batch of texts, in their order; all vectors have one length."""
        with self._post("/api/embed", {"model": model, "input": list(texts)}, progress) as response:
            return _read_vectors(response.read(), len(texts))

    @contextmanager
    def _post(self, path: str, body: dict[str, Any], progress: Progress) -> Iterator[httpx.Response]:
        transport = InterruptibleTransport(progress.check, self._tls)
        timeout = httpx.Timeout(self.idle_timeout_s, connect=self.connect_timeout_s, write=_WRITE_TIMEOUT_S)
        with (
            failures_translated(body["model"]),
            httpx.Client(transport=transport, timeout=timeout, trust_env=False) as client,
            client.stream("POST", self.url.rstrip("/") + path, json=body) as response,
        ):
            if response.status_code != httpx.codes.OK:
                response.read()
                raise refusal(response, body["model"])
            yield response


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Split at line feeds only: httpx's `iter_lines` also splits at U+0085 and U+2028, which JSON may contain."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())
        if len(rest) > _LONGEST_LINE_BYTES:
            raise bad_reply("a line of more than a mebibyte")
    if rest.strip():
        yield rest


def _read_chunk(line: bytes) -> ChatChunk:
    try:
        reply = json.loads(line)
    except ValueError as error:
        raise bad_reply(f"not JSON: {line!r}") from error
    if not isinstance(reply, dict):
        raise bad_reply(f"not an object: {line!r}")
    if "error" in reply:
        raise server_error(str(reply["error"]))
    message = reply.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return ChatChunk(
        text=plain_text(content) if isinstance(content, str) else "",
        done=reply.get("done") is True,
        done_reason=reply["done_reason"] if isinstance(reply.get("done_reason"), str) else None,
        tokens_prompt=_count(reply.get("prompt_eval_count")),
        tokens_completion=_count(reply.get("eval_count")),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read_vectors(content: bytes, wanted: int) -> list[Vector]:
    try:
        vectors = json.loads(content)["embeddings"]
        sizes = {len(vector) for vector in vectors}
        sound = len(vectors) == wanted and len(sizes) == 1 and all(map(_is_finite, vectors))
    except (ValueError, KeyError, TypeError) as error:
        raise bad_reply(f"no embeddings: {content[:200]!r}") from error
    if not sound or 0 in sizes:
        raise bad_reply(f"{len(vectors)} embeddings of sizes {sorted(sizes)} for {wanted} texts")
    return [[float(number) for number in vector] for vector in vectors]


def _is_finite(vector: Sequence[float]) -> bool:
    return all(math.isfinite(number) for number in vector)
