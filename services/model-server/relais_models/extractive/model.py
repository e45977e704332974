"""`extractive` as the server's chat model."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence

from relais_models.contract import Card, Finish, Piece, Sampling, Turn
from relais_models.extractive.answer import NO_ANSWER, compose_answer
from relais_models.extractive.passages import find_passages

_CARD = Card(
    name="extractive",
    family="extractive",
    format="built-in",
    parameter_size="0",
    quantization="none",
    size_bytes=0,
    capabilities=("completion",),
    info={"general.architecture": "extractive"},
)
_WORD = re.compile(r"\s*\S+")
# How the worker's prompt words what to reply when the passages don't answer the question.
_WANTED_REFUSAL = re.compile(r"reply exactly: *(\S.*)$", re.MULTILINE)


class ExtractiveModel:
    """Quotes the sentences of the given passages that answer the question; deterministic.

    A refusal is worded as the system message asks (`… reply exactly: …`). A token is a word. `temperature`, `seed` and
    `num_ctx` change nothing.
    """

    card = _CARD

    async def chat(self, turns: Sequence[Turn], sampling: Sampling) -> AsyncGenerator[Piece | Finish, None]:
        """Yield the answer word by word."""
        answer = _until_stop(await asyncio.to_thread(_answer, turns), sampling.stop)
        words = _WORD.findall(answer)
        most = len(words) if sampling.num_predict is None else sampling.num_predict
        for word in words[:most]:
            yield Piece(word)
        prompt_tokens = sum(len(turn.content.split()) for turn in turns)
        yield Finish("stop" if most >= len(words) else "length", prompt_tokens, min(most, len(words)))


def _answer(turns: Sequence[Turn]) -> str:
    asked = [turn.content for turn in turns if turn.role == "user"] or [""]
    given = "\n\n".join(turn.content for turn in turns if turn.role == "system")
    answer = compose_answer(asked[-1], find_passages(given), earlier=asked[-2] if asked[1:] else "")
    wanted = _WANTED_REFUSAL.search(given.split("\nPassages:\n")[0])  # only the instructions count, no quoted text
    return wanted[1].strip() if answer == NO_ANSWER and wanted else answer


def _until_stop(answer: str, stops: Sequence[str]) -> str:
    cuts = [at for stop in stops if stop and (at := answer.find(stop)) >= 0]
    return answer[: min(cuts, default=len(answer))]
