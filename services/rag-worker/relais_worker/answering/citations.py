"""Which passages an answer cites."""

import re
from collections.abc import Sequence
from typing import Any

from relais_worker.adapters.qdrant import Hit

# [1], [1, 2], [1-3]; models trained on other corpora also write 【1】.
_MARK = re.compile(r"[\[【]\s*(\d{1,3}(?:\s*[,;\u2013-]\s*\d{1,3})*)\s*[\]】]")
_RANGE = re.compile(r"(\d+)\s*[\u2013-]\s*(\d+)")


def cited_numbers(answer: str, count: int) -> list[int]:
    """List the passages that an answer cites, of `count` that were given; other numbers mean nothing."""
    numbers = {number for mark in _MARK.findall(answer) for number in _numbers(mark)}
    return sorted(number for number in numbers if 1 <= number <= count)


def without_marks(text: str) -> str:
    """Remove citation marks: in an earlier answer they name passages that are no longer there."""
    return re.sub(rf"\s*{_MARK.pattern}", "", text)


def citations(hits: Sequence[Hit], cited: Sequence[int]) -> list[dict[str, Any]]:
    """Describe the cited passages as API.md has it; all that were given when the answer cites none.

    Small models often don't cite. The answer was still made from these passages and can be checked against them;
    the evidence tells the difference.
    """
    numbers = cited or range(1, len(hits) + 1)
    return [_citation(number, hits[number - 1]) for number in numbers]


def _citation(number: int, hit: Hit) -> dict[str, Any]:
    return {
        "index": number,
        "document": hit.passage.document,
        "document_id": hit.passage.document_id,
        "chunk_id": hit.passage.chunk_id,
        "score": hit.score,
        "text": hit.passage.text,
        "heading": hit.passage.heading,
    }


def _numbers(mark: str) -> set[int]:
    spans = {number for first, last in _RANGE.findall(mark) for number in range(int(first), int(last) + 1)}
    return spans | {int(number) for number in re.findall(r"\d+", mark)}
