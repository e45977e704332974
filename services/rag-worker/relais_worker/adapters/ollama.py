"""Calls Ollama: chats as a stream, embeds in batches.

No call is retried here: retries live in the database (DESIGN.md §2, rule 4).
"""

import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from relais_worker.adapters.interruptible import InterruptibleTransport
from relais_worker.adapters.ollama_failures import (
    away,
    bad_reply,
    failures_translated,
    refusal,
    timed_out,
    translate,
)
from relais_worker.adapters.ollama_replies import ChatChunk, Vector, read_body, read_chunk, read_lines, read_vectors
from relais_worker.progress import Progress

__all__ = ["ChatChunk", "ChatRequest", "Message", "Ollama", "Vector"]

Message = dict[str, str]

_LONGEST_ANSWER = 1 << 20  # characters; the length that was asked for is in tokens, and far below
_WRITE_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What to generate from; `answer_tokens` limits the answer, so that it can't overflow `context_tokens`."""

    model: str
    messages: Sequence[Message]
    temperature: float
    context_tokens: int
    answer_tokens: int


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
            length = 0
            for line in read_lines(response.iter_bytes()):
                chunk = read_chunk(line)
                length += len(chunk.text)
                if length > _LONGEST_ANSWER:
                    raise bad_reply("an answer of more than a million characters")
                yield chunk
                if chunk.done:
                    return
        raise bad_reply("the stream ended without `done`")

    def embed(self, model: str, texts: Sequence[str], progress: Progress) -> list[Vector]:
        """Embed one batch of texts, in their order; all vectors have one length."""
        with self._post("/api/embed", {"model": model, "input": list(texts)}, progress) as response:
            return read_vectors(read_body(response), len(texts))

    def probe(self, timeout_s: float = 3.0) -> None:
        """Ask whether the server is there; any reply says so but a 5xx, which a proxy gives that has lost it.

        Raises:
            JobError: it didn't answer within `timeout_s` seconds. Nothing is logged: it may be asked for hours.
        """
        give_up_at = time.monotonic() + timeout_s

        def check() -> None:
            if time.monotonic() >= give_up_at:
                raise timed_out()

        transport = InterruptibleTransport(check, self._tls)
        try:
            with httpx.Client(transport=transport, timeout=timeout_s, trust_env=False) as client:
                response = client.get(self.url.rstrip("/") + "/api/version")
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            raise translate(failure) from failure
        if response.is_server_error:
            raise away("ollama_server_error", f"answers a plain question with status {response.status_code}")

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
                raise refusal(response.status_code, read_body(response), body["model"])
            yield response
