"""Telling a model file from anything else before llama.cpp is asked to load it."""

from pathlib import Path

_MAGIC = b"GGUF"


class NotAModelError(ValueError):
    """The path given with `--llm` is no GGUF file; the message says why."""


def check_gguf(path: Path) -> None:
    """Read the file's first bytes.

    Raises:
        NotAModelError: there is no such file, it can't be read, or it isn't GGUF.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except FileNotFoundError:
        raise NotAModelError(f"{path}: there is no such file") from None
    except OSError as error:
        raise NotAModelError(f"{path}: can't be read: {error.strerror}") from None
    if magic != _MAGIC:
        raise NotAModelError(f"{path}: is not a GGUF file; give a model in llama.cpp's format (*.gguf)")
