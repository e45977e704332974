"""Writing what a model generates as Ollama's replies."""

import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from relais_models.contract import Finish, ModelError, Piece
from relais_models.faults.disturbance import Garbage, Headers, Item

Shape = Callable[[str, str], dict[str, Any]]
GARBAGE = b'{"model": "broken", <!-- injected fault\n'


def chat_shape(text: str, thinking: str) -> dict[str, Any]:
    """The part of a chat reply that carries the answer."""
    return {"message": {"role": "assistant", "content": text} | ({"thinking": thinking} if thinking else {})}


def generate_shape(text: str, thinking: str) -> dict[str, Any]:
    """The part of a generate reply that carries the answer."""
    return {"response": text} | ({"thinking": thinking} if thinking else {})


@dataclass
class Stopwatch:
    """Measures one generation, in nanoseconds; the time before the first piece counts as reading the prompt."""

    began: int = field(default_factory=time.perf_counter_ns)
    first: int | None = None

    def saw_piece(self) -> None:
        """Note the end of the prompt."""
        self.first = self.first or time.perf_counter_ns()

    def totals(self, finish: Finish) -> dict[str, Any]:
        """The last reply's figures."""
        now = time.perf_counter_ns()
        first = self.first or now
        return {
            "done_reason": finish.reason,
            "total_duration": now - self.began,
            "load_duration": 0,  # models are loaded at the start
            "prompt_eval_count": finish.prompt_tokens,
            "prompt_eval_duration": first - self.began,
            "eval_count": finish.completion_tokens,
            "eval_duration": now - first,
        }


async def lines(model: str, items: AsyncGenerator[Item, None], shape: Shape) -> AsyncGenerator[bytes, None]:
    """One line of JSON for each item; an error after the first line becomes a line, before it is raised."""
    watch, begun = Stopwatch(), False
    try:
        async with aclosing(items):
            async for item in items:
                yield _line(model, item, shape, watch)
                begun = True
    except ModelError as error:
        if not begun:
            raise
        yield dump({"error": str(error)}) + b"\n"


async def whole(model: str, items: AsyncGenerator[Item, None], shape: Shape) -> bytes:
    """The whole generation as one reply."""
    watch, text, thinking = Stopwatch(), "", ""
    body = b""
    async with aclosing(items):
        async for item in items:
            if isinstance(item, Garbage):
                return GARBAGE
            if isinstance(item, Headers):
                continue
            if isinstance(item, Finish):
                body = dump(_envelope(model, done=True) | shape(text, thinking) | watch.totals(item))
            else:
                watch.saw_piece()
                text, thinking = text + item.text, thinking + item.thinking
    return body


def dump(reply: dict[str, Any]) -> bytes:
    """Compact JSON on one line."""
    try:
        return json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
        return json.dumps(reply, separators=(",", ":")).encode()


def _line(model: str, item: Item, shape: Shape, watch: Stopwatch) -> bytes:
    match item:
        case Headers():
            return b""
        case Garbage():
            return GARBAGE
        case _:
            return dump(_reply(model, item, shape, watch)) + b"\n"


def _reply(model: str, item: Piece | Finish, shape: Shape, watch: Stopwatch) -> dict[str, Any]:
    if isinstance(item, Finish):
        return _envelope(model, done=True) | shape("", "") | watch.totals(item)
    watch.saw_piece()
    return _envelope(model, done=False) | shape(item.text, item.thinking)


def _envelope(model: str, *, done: bool) -> dict[str, Any]:
    return {"model": model, "created_at": now(), "done": done}


def now() -> str:
    """The time as Ollama writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
