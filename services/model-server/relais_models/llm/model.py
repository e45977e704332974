"""A GGUF model as the server's chat model."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from relais_models.contract import Card, Finish, ModelError, Piece, Sampling, Turn
from relais_models.llm.engine import PARALLEL, Chunk, Engine

_PASSED_ON = ("temperature", "top_p", "top_k", "seed", "repeat_penalty")
_END = None


class LlmModel:
    """Answers with a real language model, `PARALLEL` requests at a time; further ones wait for their turn."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.card = _card(name, engine)
        self._engine = engine
        self._turn = asyncio.Semaphore(PARALLEL)
        self._threads = ThreadPoolExecutor(PARALLEL, thread_name_prefix="llama")

    async def chat(self, turns: Sequence[Turn], sampling: Sampling) -> AsyncGenerator[Piece | Finish, None]:
        """Yield tokens as the model makes them; closing the iterator ends the generation at the next token."""
        async with self._turn:
            body = await asyncio.to_thread(_compose, self._engine, turns, sampling)
            chunks = asyncio.Queue[Chunk | None]()
            abandoned = threading.Event()
            running = self._start(body, chunks, abandoned)
            try:
                reason = "stop"
                while (chunk := await chunks.get()) is not _END:
                    reason = _finish_reason(chunk) or reason
                    for item in _read(chunk, reason):
                        yield item
                await running
            finally:
                abandoned.set()

    def _start(
        self, body: dict[str, Any], chunks: asyncio.Queue[Chunk | None], abandoned: threading.Event
    ) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()

        def hand_over(chunk: Chunk | None) -> bool:
            try:
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            except RuntimeError:  # the loop is closed: the process ends
                return True
            return abandoned.is_set()

        def run() -> None:
            try:
                self._engine.generate(body, hand_over)
            finally:
                hand_over(_END)

        return loop.run_in_executor(self._threads, run)


def _compose(engine: Engine, turns: Sequence[Turn], sampling: Sampling) -> dict[str, Any]:
    """The request to llama.cpp; the oldest turns are left out until prompt and answer fit `num_ctx`."""
    window = min(sampling.num_ctx or engine.context, engine.context)
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    while (used := engine.count_tokens(messages)) >= window:
        _drop_oldest(messages, used, window)
    room = window - used
    body: dict[str, Any] = {
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,  # calls back while the prompt is read, so that a client's leaving is noticed there too
        "max_tokens": room if sampling.num_predict is None else min(room, sampling.num_predict),
        "stop": list(sampling.stop),
    }
    return body | {key: value for key in _PASSED_ON if (value := getattr(sampling, key)) is not None}


def _drop_oldest(messages: list[dict[str, str]], used: int, window: int) -> None:
    for at, message in enumerate(messages[:-1]):
        if message["role"] != "system":
            del messages[at]
            return
    raise ModelError(
        f"the prompt takes {used} tokens, the context has {window}: shorten it, or raise num_ctx and --llm-context",
        400,
    )


def _finish_reason(chunk: Chunk) -> str | None:
    reasons = [choice["finish_reason"] for choice in chunk.get("choices", ()) if choice.get("finish_reason")]
    return ("length" if reasons[0] == "length" else "stop") if reasons else None


def _read(chunk: Chunk, reason: str) -> list[Piece | Finish]:
    if error := chunk.get("error"):
        raise ModelError(str(error.get("message", error)), int(error.get("code", 500)))
    deltas = [choice.get("delta", {}) for choice in chunk.get("choices", ())]
    texts = [(delta.get("content") or "", delta.get("reasoning_content") or "") for delta in deltas]
    items: list[Piece | Finish] = [Piece(text, thinking) for text, thinking in texts if text or thinking]
    if usage := chunk.get("usage"):
        items.append(Finish(reason, int(usage["prompt_tokens"]), int(usage["completion_tokens"])))
    return items


def _card(name: str, engine: Engine) -> Card:
    facts = engine.facts
    return Card(
        name=name,
        family="llama.cpp",
        format="gguf",
        parameter_size=f"{facts['n_params'] / 1e6:.1f}M",
        quantization=str(facts.get("ftype", "unknown")),
        size_bytes=int(facts["size"]),
        capabilities=("completion",),
        info={
            "general.architecture": "llama",
            "general.parameter_count": facts["n_params"],
            "llama.context_length": facts["n_ctx_train"],
            "llama.embedding_length": facts["n_embd"],
            "llama.vocab_size": facts["n_vocab"],
        },
    )
