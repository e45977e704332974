"""Reads what Ollama replies, and believes nothing of it that the database or the index would not take."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from relais_worker.adapters.ollama_failures import bad_reply, server_error
from relais_worker.plain_text import plain_text

Vector = list[float]

_LONGEST_LINE_BYTES = 1 << 20
_LONGEST_BODY_BYTES = 64 << 20  # a batch of vectors takes a few mebibytes
_GREATEST_NUMBER = 3.4028234e38  # the index keeps 32-bit floats
_GREATEST_COUNT = (1 << 31) - 1  # PostgreSQL's integer


@dataclass(frozen=True, slots=True)
class ChatChunk:
    """A piece of the answer; the last one, with `done`, carries the counts as far as the server gave them."""

    text: str
    done: bool = False
    done_reason: str | None = None
    tokens_prompt: int | None = None
    tokens_completion: int | None = None


def read_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Split at line feeds only: httpx's `iter_lines` also splits at U+0085 and U+2028, which JSON may contain."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())
        if len(rest) > _LONGEST_LINE_BYTES:
            raise bad_reply("a line of more than a mebibyte")
    if rest.strip():
        yield rest


def read_body(response: httpx.Response) -> bytes:
    """Read a reply that comes in one piece."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _LONGEST_BODY_BYTES:
            raise bad_reply(f"a body of more than {_LONGEST_BODY_BYTES} bytes")
    return bytes(body)


def read_chunk(line: bytes) -> ChatChunk:
    """Read one line of a chat's stream.

    Raises:
        TransientError: `ollama_bad_reply`; `ollama_server_error` when the line says that the generation failed.
    """
    reply = _json(line)
    if not isinstance(reply, dict):
        raise bad_reply(f"not an object: {line[:200]!r}")
    if "error" in reply:
        raise server_error(plain_text(str(reply["error"])))
    message = reply.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return ChatChunk(
        text=_text(content) or "",
        done=reply.get("done") is True,
        done_reason=_text(reply.get("done_reason")),
        tokens_prompt=_count(reply.get("prompt_eval_count")),
        tokens_completion=_count(reply.get("eval_count")),
    )


def read_vectors(content: bytes, wanted: int) -> list[Vector]:
    """Read the embeddings of `wanted` texts.

    Raises:
        TransientError: `ollama_bad_reply` when they are too few, of different lengths, or can't be vectors.
    """
    reply = _json(content)
    try:
        vectors = reply["embeddings"]
        sizes = {len(vector) for vector in vectors}
        sound = len(vectors) == wanted and len(sizes) == 1 and all(map(_can_be_stored, vectors))
    except (KeyError, TypeError) as error:
        raise bad_reply(f"no embeddings: {content[:200]!r}") from error
    if not sound or 0 in sizes:
        raise bad_reply(f"{len(vectors)} embeddings of sizes {sorted(sizes)} for {wanted} texts")
    return [[float(number) for number in vector] for vector in vectors]


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise bad_reply(f"not JSON: {content[:200]!r}") from error


def _text(value: object) -> str | None:
    return plain_text(value) if isinstance(value, str) else None


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _GREATEST_COUNT
    return value if is_count else None  # type: ignore[return-value] # is_count says that it is an int


def _can_be_stored(vector: Sequence[float]) -> bool:
    # The comparison comes first: `isfinite` fails on an integer that no float can hold.
    return all(abs(number) <= _GREATEST_NUMBER and math.isfinite(number) for number in vector)
