"""Finds the files that `relais ingest` means."""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from relais_cli.errors import CliError
from relais_cli.ingesting import Upload

# Those that the API takes (relais_api.admin.uploads); a test compares them.
SUFFIXES = (".md", ".markdown", ".txt", ".html", ".htm", ".pdf")


def collect(paths: Sequence[Path]) -> list[Upload]:
    """Take files as they are, and of folders every file of a type that can be read, but nothing hidden.

    Raises:
        CliError: a path doesn't exist, a named file is of another type, two files have one name, or there is none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found |= dict.fromkeys(file.resolve() for file in _files(path))
    if not found:
        raise CliError(f"nothing to ingest there; documents end in {', '.join(SUFFIXES)}")
    uploads = [Upload(file, unicodedata.normalize("NFC", file.name)) for file in found]
    _refuse_twins(uploads)
    return uploads


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if _is_document(file) and not _is_hidden(file, path))
    elif not path.exists():
        raise CliError(f"{path} does not exist")
    elif not _is_document(path):
        raise CliError(f"{path} has a type that can't be read; documents end in {', '.join(SUFFIXES)}")
    else:
        yield path


def _is_document(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and file.is_file()


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _refuse_twins(uploads: Sequence[Upload]) -> None:
    first: dict[str, Path] = {}
    twins = []
    for upload in uploads:
        other = first.setdefault(upload.name, upload.path)
        if other != upload.path:
            twins.append(f"{other} and {upload.path}")
    if twins:
        raise CliError(
            "\n".join(["an agent's documents are told apart by file name; rename one of each pair:", *twins])
        )
