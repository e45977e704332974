"""Reads uploaded files and refuses those that can't become documents, naming each."""

import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData, UploadFile

from relais_api.http.problems import TooLarge, WrongMediaType
from relais_api.parts import Limits

MEDIA_TYPES: Final = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".html": "text/html",
    ".htm": "text/html",
    ".pdf": "application/pdf",
}
_MOST_FILES: Final = 100
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that can become a document."""

    name: str
    media_type: str
    content: bytes


async def read_uploads(request: Request, limits: Limits) -> list[Upload]:
    """Read every file of a multipart body; either all can become documents or the request is refused.

    Raises:
        WrongMediaType: it isn't multipart.
        TooLarge: a file is above its limit.
        RequestValidationError: a file has no usable name, an unknown type, or nothing in it.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise WrongMediaType("Send the files as multipart/form-data, each as a part with a file name.")
    async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FILES) as form:
        files = _files(form)
        named = [(document_name(file.filename or ""), file) for file in files]
        _check(named, limits)
        return [Upload(name, media_type(name) or "", await file.read()) for name, file in named]


def document_name(filename: str) -> str:
    """Give the last part of a path of any system, in Unicode's composed form, without control characters."""
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    composed = unicodedata.normalize("NFC", last)
    return "".join(char for char in composed if unicodedata.category(char)[0] != "C").strip()


def media_type(name: str) -> str | None:
    """Give the type that a document's name tells; None for a type that can't be ingested."""
    return MEDIA_TYPES.get(PurePosixPath(name).suffix.lower())


def _files(form: FormData) -> list[UploadFile]:
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    texts = [name for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    if texts or not files:
        raise _invalid(
            [("file", "is a text field; send it as a file with a name") for _ in texts[:1]]
            or [("file", "is required; attach at least one document")]
        )
    return files


def _check(named: list[tuple[str, UploadFile]], limits: Limits) -> None:
    seen: set[str] = set()
    errors = []
    for name, file in named:
        fault = _fault(name, file, seen)
        if fault:
            errors.append((name or "file", fault))
        elif (file.size or 0) > limits.document_bytes:
            raise TooLarge(f"{name} has {file.size} bytes; a document may have at most {limits.document_bytes}.")
        seen.add(name)
    if errors:
        raise _invalid(errors)


def _fault(name: str, file: UploadFile, seen: set[str]) -> str | None:
    if not name or name in (".", "..") or len(name) > _LONGEST_NAME:
        return f"needs a file name of 1 to {_LONGEST_NAME} characters"
    if media_type(name) is None:
        return f"has a type that can't be read; send one of {', '.join(MEDIA_TYPES)}"
    if name in seen:
        return "is there twice; send each document once"
    return None if file.size else "is empty"


def _invalid(faults: list[tuple[str, str]]) -> RequestValidationError:
    return RequestValidationError(
        [{"loc": ("body", field), "type": "document", "msg": fault} for field, fault in faults]
    )
