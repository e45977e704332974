"""Reads a file's text, by what it is: Markdown, HTML, PDF or plain text."""

import re
from collections.abc import Callable
from pathlib import PurePath

from relais_worker.ingesting.decode import decode
from relais_worker.ingesting.parse_html import html_to_markdown
from relais_worker.ingesting.parse_pdf import read_pages
from relais_worker.ingesting.parsed import Markup, ParsedDocument, Part, UnreadableError
from relais_worker.plain_text import plain_text

_PDF_SUFFIXES = {".pdf"}
_HTML_SUFFIXES = {".html", ".htm", ".xhtml"}
_MARKDOWN_SUFFIXES = {".md", ".markdown", ".mdown", ".mdx"}
_PDF_HEADER = b"%PDF-"
_HEADER_WITHIN = 1024  # PDF readers accept bytes before the header (ISO 32000-1, annex H.3.4.1)
_HTML_START = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def parse(name: str, media_type: str, content: bytes, check: Callable[[], None]) -> ParsedDocument:
    """Read the text of a file; `check` is called between the pages of a PDF, so that a long one can be stopped.

    Content decides over name, and name over media type: browsers send `application/octet-stream` for what they don't
    know.

    Raises:
        UnreadableError: the file is empty, binary, encrypted, damaged or without text.
    """
    if not content.strip():
        raise UnreadableError(name, "the file is empty.")
    document = _read(name, media_type, content, check)
    if not any(part.text.strip() for part in document.parts):
        raise UnreadableError(name, "the file contains no text.")
    return document


def _read(name: str, media_type: str, content: bytes, check: Callable[[], None]) -> ParsedDocument:
    suffix = PurePath(name).suffix.lower()
    if _PDF_HEADER in content[:_HEADER_WITHIN]:
        return ParsedDocument(Markup.PLAIN, read_pages(name, content, check))
    if suffix in _PDF_SUFFIXES or media_type == "application/pdf":
        raise UnreadableError(name, "the file is named as a PDF but isn't one, or its beginning is damaged.")
    text = plain_text(decode(name, content))
    if suffix in _HTML_SUFFIXES or media_type in ("text/html", "application/xhtml+xml") or _HTML_START.match(text):
        return _markdown(html_to_markdown(text))
    if suffix in _MARKDOWN_SUFFIXES or media_type == "text/markdown":
        return _markdown(_FRONT_MATTER.sub("", text))
    return ParsedDocument(Markup.PLAIN, (Part(text),))


def _markdown(text: str) -> ParsedDocument:
    return ParsedDocument(Markup.MARKDOWN, (Part(text),))
