"""Text that comes in pieces, wrapped between words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relais_cli.word_wrap import WordWrap


def _wrapped(pieces: list[str], width: int) -> str:
    written: list[str] = []
    wrap = WordWrap(written.append, width)
    for piece in pieces:
        wrap.feed(piece)
    wrap.feed("\n")
    return "".join(written)


@pytest.mark.parametrize(
    ("pieces", "wrapped"),
    [
        (["one two three"], "one two\nthree\n"),
        (["o", "ne t", "wo thr", "ee"], "one two\nthree\n"),
        (["a\n\nb"], "a\n\nb\n"),
        (["indivisible"], "indivisible\n"),
        (["- a\n  - b"], "- a\n  - b\n"),
    ],
)
def test_it_breaks_lines_between_words_only(pieces: list[str], wrapped: str) -> None:
    """However the text is cut into pieces, words stay whole and the text's own line ends stay."""
    assert _wrapped(pieces, 8) == wrapped


@given(st.text(alphabet="ab \n", max_size=60), st.integers(1, 5))
def test_the_pieces_make_no_difference(text: str, size: int) -> None:
    """Tokens come cut anywhere; what is shown is the same."""
    pieces = [text[begin : begin + size] for begin in range(0, len(text), size)]
    assert _wrapped(pieces, 10) == _wrapped([text], 10)


@given(st.text(alphabet="abc \n", max_size=80))
def test_no_word_is_lost(text: str) -> None:
    """All words come out, in order."""
    assert _wrapped([text], 10).split() == text.split()
