"""Writes text that comes in pieces, wrapped between words at the width of the terminal."""

import re
from collections.abc import Callable

_PARTS = re.compile(r"\n|[^\S\n]+|\S+")


class WordWrap:
    """Holds back the last word until it is whole.

    Args:
        write: takes the wrapped text.
        width: columns.
    """

    def __init__(self, write: Callable[[str], None], width: int) -> None:
        self._write = write
        self._width = width
        self._column = 0
        self._space = ""
        self._word = ""

    def feed(self, text: str) -> None:
        """Write more."""
        for part in _PARTS.findall(text):
            if part.isspace():
                self._end_word()
                self._take_space(part)
            else:
                self._word += part

    @property
    def is_within_line(self) -> bool:
        """Whether what comes next would stand behind something."""
        return bool(self._column or self._word)

    def _end_word(self) -> None:
        if not self._word:
            return
        if self._column and self._column + len(self._space) + len(self._word) > self._width:
            self._write("\n")
            self._column, self._space = 0, ""
        self._write(self._space + self._word)
        self._column += len(self._space) + len(self._word)
        self._space = self._word = ""

    def _take_space(self, part: str) -> None:
        if part == "\n":
            self._write("\n")
            self._column, self._space = 0, ""
        else:
            self._space += part
