"""Has the model write the answer, and says what it rests on."""

import time
from dataclasses import dataclass
from typing import Any

from relais.errors import TransientError
from relais.store.settle import Answer
from relais_worker.adapters.ollama import ChatChunk, ChatRequest, Ollama
from relais_worker.answering.asked import Asked
from relais_worker.answering.citations import citations, cited_numbers, without_marks
from relais_worker.answering.compose import Prompt
from relais_worker.answering.retrieve import Found
from relais_worker.progress import Progress


@dataclass(frozen=True, slots=True)
class _Generated:
    text: str
    last: ChatChunk
    first_token_ms: int
    total_ms: int


def generate(asked: Asked, found: Found, prompt: Prompt, ollama: Ollama, progress: Progress) -> Answer:
    """Stream the answer to `progress`, then return it whole with citations and evidence.

    An answer that is the agent's fallback text is the model's way to say that the passages don't help: not grounded.

    Raises:
        TransientError: `empty_answer` when the model wrote nothing.
    """
    made = _stream(asked, prompt, ollama, progress)
    grounded = bool(prompt.hits) and not _gives_up(made.text, asked.agent.fallback_text)
    cited = cited_numbers(made.text, len(prompt.hits)) if grounded else []
    return Answer(
        content=made.text,
        citations=citations(prompt.hits, cited) if grounded else [],
        grounded=grounded,
        model=asked.agent.chat_model,
        tokens_prompt=made.last.tokens_prompt,
        tokens_completion=made.last.tokens_completion,
        generation_time_ms=made.total_ms,
        evidence=found.evidence
        | {
            "passages": _passages(prompt),
            "cited": cited,
            "over_budget": len(found.hits) - len(prompt.hits),
            "earlier_turns": prompt.turns,
            "done_reason": made.last.done_reason,
            "first_token_ms": made.first_token_ms,
            "generate_ms": made.total_ms,
        },
    )


def fall_back(asked: Asked, found: Found) -> Answer:
    """Answer with the agent's fallback text, without asking a model: no passage is relevant."""
    return Answer(
        content=asked.agent.fallback_text,
        citations=[],
        grounded=False,
        model="none",
        tokens_prompt=None,
        tokens_completion=None,
        generation_time_ms=None,
        evidence=found.evidence | {"passages": [], "cited": [], "fallback": True},
    )


def _stream(asked: Asked, prompt: Prompt, ollama: Ollama, progress: Progress) -> _Generated:
    started = time.monotonic()
    first_at: float | None = None
    text = ""
    last = ChatChunk("")
    for last in ollama.chat(_request(asked, prompt), progress):
        piece = last.text if text else last.text.lstrip()  # what is shown as it comes must be how the answer begins
        if piece:
            first_at = first_at or time.monotonic()
            text += piece
            progress.write(piece)
        else:
            progress.beat()  # a model that thinks sends chunks without content
    if not text.strip():
        raise TransientError("empty_answer", "The model wrote an empty answer. The message is tried again.")
    return _Generated(text.strip(), last, _ms(started, first_at or started), _ms(started, time.monotonic()))


def _request(asked: Asked, prompt: Prompt) -> ChatRequest:
    agent = asked.agent
    return ChatRequest(agent.chat_model, prompt.messages, agent.temperature, agent.context_tokens, prompt.answer_tokens)


def _gives_up(text: str, fallback: str) -> bool:
    return _plain(text) == _plain(fallback)


def _plain(text: str) -> str:
    return " ".join(without_marks(text).casefold().split()).strip(" .!\"'")


def _passages(prompt: Prompt) -> list[dict[str, Any]]:
    return [
        {
            "index": number,
            "chunk_id": hit.passage.chunk_id,
            "document_id": hit.passage.document_id,
            "document": hit.passage.document,
            "heading": hit.passage.heading,
            "score": hit.score,
        }
        for number, hit in enumerate(prompt.hits, start=1)
    ]


def _ms(since: float, until: float) -> int:
    return round((until - since) * 1000)
