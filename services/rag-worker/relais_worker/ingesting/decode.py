"""Decodes the bytes of a text file, or says why they are none."""

import codecs
import re

from relais_worker.ingesting.parsed import UnreadableError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_DECLARED_WITHIN = 1024  # bytes, as the HTML standard has it
_BINARY_BYTES = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0C, 0x0D, 0x1B})
_MOST_BINARY = 0.01


def decode(name: str, content: bytes) -> str:
    """Decode by byte order mark, else by what HTML or XML declares, else as UTF-8; line ends become line feeds.

    Guessing another encoding would fill the index with wrong letters that nobody notices.

    Raises:
        UnreadableError: the content is binary, or isn't what it is declared or taken to be.
    """
    encoding = _marked(content)
    if encoding is None:
        _refuse_binary(name, content)
        encoding = _declared(name, content) or "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        at = f"byte 0x{error.object[error.start]:02x} at position {error.start}"
        raise UnreadableError(
            name, f"the text isn't valid {encoding.upper()} ({at}): save the file as UTF-8."
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _marked(content: bytes) -> str | None:
    return next((encoding for mark, encoding in _BYTE_ORDER_MARKS if content.startswith(mark)), None)


def _declared(name: str, content: bytes) -> str | None:
    declared = _DECLARED.search(content[:_DECLARED_WITHIN])
    if declared is None:
        return None
    label = declared[1].decode("ascii", errors="replace")
    try:
        codec = codecs.lookup(label)
    except LookupError as error:
        raise UnreadableError(name, f"the declared encoding {label!r} is unknown: save the file as UTF-8.") from error
    # `codecs.lookup` also knows codecs that aren't text, such as "zip"; and whoever can read this far wrote no UTF-16.
    return codec.name if codec.name not in _NOT_IN_ASCII_SHAPE and getattr(codec, "_is_text_encoding", True) else None


_NOT_IN_ASCII_SHAPE = {"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "idna", "punycode"}


def _refuse_binary(name: str, content: bytes) -> None:
    binary = len(content) - len(content.translate(None, _BINARY_BYTES))
    if b"\0" in content or binary > _MOST_BINARY * len(content):
        raise UnreadableError(name, "the file is binary, not text: Relais reads Markdown, text, HTML and PDF.")
