"""Cutting passages into sentences that can stand in an answer."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relais_models.extractive.markdown import Block, blocks
from relais_models.extractive.passages import Passage

_CLOSING = "[\"'\u201d\u2019)\\]]*"
_OPENING = "[\"'\u201c\u2018(\\[]*"
_END = re.compile(rf"(?<=[.!?]){_CLOSING}\s+(?=`|{_OPENING}[^\W_a-z])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|cf|vs|etc|approx|no|nos|fig|dr|mr|mrs|ms|st|prof|inc|ltd|[A-Za-z])\.\s*$",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"^(?:it|its|this|that|these|those|they|their|he|she|such|then|there|here|so|but)\b", re.IGNORECASE
)
_LONGEST_LIST = 280
_LONGEST_CODE = 120


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of passage `passage`; `position` counts through all passages, `context` is what stands above it.

    `leans` says that it needs the sentence before it to be understood.
    """

    passage: int
    position: int
    text: str
    context: str
    leans: bool


def sentences(passages: Iterable[Passage]) -> list[Sentence]:
    """All sentences in order; headings and lead-ins become context, short lists and code join their lead-in."""
    found: list[Sentence] = []
    for passage in passages:
        for block in _joined(blocks(passage.text)):
            context = f"{passage.document} {block.heading}"
            for index, text in enumerate(split(block.text)):
                leans = index > 0 and _POINTS_BACK.match(text) is not None
                found.append(Sentence(passage.number, len(found), text, context, leans))
    return found


def split(text: str) -> list[str]:
    """The sentences of a paragraph; abbreviations, versions and file names don't end one."""
    cuts = [0]
    for end in _END.finditer(text):
        if not _ABBREVIATION.search(text[cuts[-1] : end.start()]):
            cuts.append(end.end())
    pieces = (text[start:stop].strip() for start, stop in zip(cuts, [*cuts[1:], len(text)], strict=True))
    return [piece for piece in pieces if piece]


def _joined(parts: Iterable[Block]) -> Iterator[Block]:
    """Give each lead-in (`… with:`) what it leads to; a lead-in alone says nothing."""
    waiting: list[Block] = []
    for part in parts:
        if waiting and not _follows(waiting, part):
            yield from _merge(waiting)
            waiting = []
        if waiting or (part.kind != "code" and part.text.endswith(":")):
            waiting.append(part)
        elif part.kind != "code":
            yield part
    yield from _merge(waiting)


def _follows(waiting: list[Block], part: Block) -> bool:
    if part.heading != waiting[0].heading:
        return False
    return part.kind in {"code", "item"} and (len(waiting) == 1 or part.kind == waiting[-1].kind == "item")


def _merge(waiting: list[Block]) -> Iterator[Block]:
    if len(waiting) < 2:  # noqa: PLR2004 -- a lead-in and at least one that it leads to
        return
    lead, *rest = waiting
    if rest[0].kind == "code":
        commands = [line.strip().removeprefix("$ ") for line in rest[0].text.splitlines() if line.strip()]
        tail = ", then ".join(f"`{command}`" for command in commands)
        if len(tail) <= _LONGEST_CODE:
            yield Block("paragraph", f"{lead.text} {tail}", lead.heading)
        return
    tail = "; ".join(item.text.rstrip(".;,") for item in rest)
    if len(tail) <= _LONGEST_LIST:
        yield Block("paragraph", f"{lead.text} {tail}.", lead.heading)
    else:
        yield from (Block(item.kind, item.text, f"{lead.heading} {lead.text}") for item in rest)
