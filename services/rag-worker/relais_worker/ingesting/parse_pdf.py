"""Reads the text of a PDF, page by page."""

import io
from collections.abc import Callable

from pypdf import PageObject, PasswordType, PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError

from relais_worker.ingesting.parsed import Part, UnreadableError
from relais_worker.plain_text import plain_text


def read_pages(name: str, content: bytes, check: Callable[[], None]) -> tuple[Part, ...]:
    """Read every page that has text; its heading is its number.

    Raises:
        UnreadableError: the file is encrypted, damaged, or has only pictures of text.
    """
    reader, pages = _open(name, content)
    parts = []
    for number, page in enumerate(pages, start=1):
        check()
        text = plain_text(_extract(name, number, page)).strip()
        if text:
            parts.append(Part(text, heading=f"page {number}"))
    reader.close()
    if not parts:
        raise UnreadableError(
            name, "the PDF contains no text, probably scanned pages: run text recognition (OCR) on it."
        )
    return tuple(parts)


def _open(name: str, content: bytes) -> tuple[PdfReader, list[PageObject]]:
    try:
        reader = PdfReader(io.BytesIO(content))
        locked = reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED
        pages = [] if locked else list(reader.pages)
    except (DependencyError, FileNotDecryptedError):
        locked = True
    except Exception as error:  # a damaged file makes pypdf fail in any way: KeyError, RecursionError, …
        raise UnreadableError(name, f"the PDF is damaged ({type(error).__name__}).") from error
    if locked:
        raise UnreadableError(name, "the PDF is encrypted: remove its password.")
    return reader, pages


def _extract(name: str, number: int, page: PageObject) -> str:
    try:
        return page.extract_text()
    except Exception as error:  # as above
        raise UnreadableError(name, f"page {number} of the PDF is damaged ({type(error).__name__}).") from error
