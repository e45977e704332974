"""Finding the numbered passages in a system message.

The form is the worker's: under a line `Passages:`, blocks that each begin a line with `[n] `, numbered upwards,
followed by the document's name in parentheses.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TITLE = re.compile(r"^Passages:[ \t]*$", re.MULTILINE)
_START = re.compile(r"^\[(\d{1,4})\][ \t]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Passage:
    """A quoted piece of a document; `number` is what an answer cites."""

    number: int
    document: str
    text: str


def find_passages(system_message: str) -> list[Passage]:
    """The passages below the last line `Passages:`; none without such a line."""
    titles = list(_TITLE.finditer(system_message))
    if not titles:
        return []
    below = system_message[titles[-1].end() :]
    starts = _ascending(list(_START.finditer(below)))
    ends = [start.start() for start in starts[1:]] + [len(below)]
    return [_read(start, below[start.end() : end]) for start, end in zip(starts, ends, strict=True)]


def _ascending(starts: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    """Drop lines that look like a start but are a footnote of the text: their number doesn't go on from the last."""
    kept: list[re.Match[str]] = []
    for start in starts:
        if not kept or int(start[1]) == int(kept[-1][1]) + 1:
            kept.append(start)
    return kept


def _read(start: re.Match[str], block: str) -> Passage:
    document, text = _split_name(block)
    return Passage(number=int(start[1]), document=document, text=text.strip())


def _split_name(block: str) -> tuple[str, str]:
    """Take `(name)` off the front; a name may contain balanced parentheses."""
    if not block.startswith("("):
        return "", block
    depth = 0
    for at, letter in enumerate(block):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return block[1:at], block[at + 1 :]
        if letter == "\n":
            break
    return "", block
