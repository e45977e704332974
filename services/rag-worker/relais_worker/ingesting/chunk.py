"""Cuts a document into passages: along its structure, within a token budget."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from relais_worker.ingesting.parsed import Markup, ParsedDocument, Part
from relais_worker.ingesting.sections import split_sections
from relais_worker.token_estimate import estimate_tokens

_METHOD = 1  # raised when the way of cutting changes, so that documents are indexed anew


@dataclass(frozen=True, slots=True)
class Chunking:
    """How large passages may be, by `estimate_tokens`; whole sentences of up to `overlap_tokens` repeat at a cut."""

    max_tokens: int = 320
    overlap_tokens: int = 60

    def __str__(self) -> str:
        return f"sections-{_METHOD}/{self.max_tokens}/{self.overlap_tokens}"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: its place in the document, the path of headings above it, and its text.

    Markdown has the path as a heading in front of the text, so that a passage is found and understood by itself.

    The id follows from document and text alone, so that an unchanged passage is recognised, wherever it has moved.
    """

    id: str
    position: int
    heading: str
    text: str


def cut(document_id: UUID, document: ParsedDocument, chunking: Chunking) -> list[Chunk]:
    """Cut a document; a passage never spans two sections, since a citation must mean one place."""
    chunks: dict[str, Chunk] = {}
    for section in _sections(document):
        for body in _bodies(section.text, document.markup, chunking):
            text = _in_its_place(body, section.heading, document.markup)
            chunk_id = str(uuid5(document_id, text))  # a passage that occurs twice is kept once
            chunks.setdefault(chunk_id, Chunk(chunk_id, len(chunks), section.heading, text))
    return list(chunks.values())


def _sections(document: ParsedDocument) -> Iterator[Part]:
    for part in document.parts:
        if document.markup is Markup.MARKDOWN:
            yield from split_sections(part.text)
        else:
            yield part


def _in_its_place(body: str, heading: str, markup: Markup) -> str:
    return f"# {heading}\n{body}" if heading and markup is Markup.MARKDOWN else body


def _bodies(text: str, markup: Markup, chunking: Chunking) -> list[str]:
    splitter = MarkdownSplitter if markup is Markup.MARKDOWN else TextSplitter
    limits = (chunking.max_tokens, chunking.overlap_tokens)
    return splitter.from_callback(estimate_tokens, limits[0], overlap=limits[1], trim=True).chunks(text)
