"""Picks the numbers out of an answer's evidence; texts, names of documents and queries stay behind the key."""

from dataclasses import dataclass
from typing import Any, Final

from relais.store.monitor_job import AnswerFigures

# What a worker writes that is a number or a switch; anything else it may write later stays hidden.
_NUMBERS: Final = (
    "found", "outdated", "below_threshold", "over_budget", "earlier_turns",
    "retrieve_ms", "embed_ms", "search_ms", "compose_ms", "first_token_ms", "generate_ms", "load_ms",
    "prompt_eval_ms", "eval_ms", "fallback",
)  # fmt: skip
_SETTINGS: Final = ("top_k", "score_threshold", "embedding_model")


@dataclass(frozen=True, slots=True)
class PublicFigures:
    """What everybody may know of an answer."""

    attempt: int
    model: str
    grounded: bool
    tokens_prompt: int | None
    tokens_completion: int | None
    generation_time_ms: int | None
    characters: int
    citations: int
    scores: list[float]
    settings: dict[str, Any]
    numbers: dict[str, int | float | bool]


def public_figures(answer: AnswerFigures) -> PublicFigures:
    """Leave the texts out."""
    evidence = answer.evidence
    settings = evidence.get("retrieval")
    passages = evidence.get("passages")
    return PublicFigures(
        attempt=answer.attempt,
        model=answer.model,
        grounded=answer.grounded,
        tokens_prompt=answer.tokens_prompt,
        tokens_completion=answer.tokens_completion,
        generation_time_ms=answer.generation_time_ms,
        characters=answer.characters,
        citations=answer.citations,
        scores=[
            passage["score"]
            for passage in (passages if isinstance(passages, list) else [])
            if isinstance(passage, dict) and isinstance(passage.get("score"), int | float)
        ],
        settings={name: settings[name] for name in _SETTINGS if name in settings} if isinstance(settings, dict) else {},
        numbers={name: evidence[name] for name in _NUMBERS if isinstance(evidence.get(name), int | float)},
    )
