"""Splits Markdown at its headings."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt

from relais_worker.ingesting.parsed import Part

_LONGEST_PATH_CHARS = 200


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    title: str
    first_line: int
    text_line: int


def split_sections(markdown: str) -> Iterator[Part]:
    """Yield the text under each heading with the path of headings above it; sections without text are left out."""
    lines = markdown.split("\n")
    headings = [_Heading(0, "", 0, 0), *_headings(markdown)]
    path: list[_Heading] = []
    for heading, end in zip(headings, [*(after.first_line for after in headings[1:]), len(lines)], strict=True):
        path = [*(above for above in path if above.level < heading.level), heading]
        text = "\n".join(lines[heading.text_line : end]).strip("\n")
        if text.strip():
            yield Part(text, " > ".join(above.title for above in path if above.title)[:_LONGEST_PATH_CHARS])


def _headings(markdown: str) -> Iterator[_Heading]:
    """Find the document's own headings: not those within lists and quotes, nor what looks like one within code."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            yield _Heading(int(token.tag[1:]), _title(inline.content), *token.map)


def _title(inline: str) -> str:
    return " ".join(inline.replace("`", "").replace("**", "").split())
