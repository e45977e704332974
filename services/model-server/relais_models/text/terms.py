"""Turning text into normalised terms: folded, split, stemmed words."""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from relais_models.text.stopwords import STOPWORDS

# A run of letters and digits, with inner apostrophes, and with the joints of identifiers (`RELAIS_HOME`, `re-ingest`).
_RUN = re.compile(r"[^\W_]+(?:['\u2019_.\-][^\W_]+)*")
_JOINT = re.compile(r"[_.\-]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Longer runs are keys, hashes or base64: whole, they match nothing but themselves.
_LONGEST_WORD = 40

_stemmer_lock = threading.Lock()


def terms(text: str) -> list[str]:
    """The stems of the words in `text` that say something, in order."""
    return [stem(word) for word in words(text) if word not in STOPWORDS]


def words(text: str) -> Iterator[str]:
    """The folded words of `text`; an identifier gives its parts, then the whole without joints."""
    for run in _RUN.findall(unicodedata.normalize("NFKC", text)):
        parts = [fold(part) for joint in _JOINT.split(run) for part in _CAMEL.split(joint)]
        yield from (part for part in parts if len(part) <= _LONGEST_WORD)
        if len(parts) > 1 and len(run) <= _LONGEST_WORD:
            yield "".join(parts)


@lru_cache(maxsize=50_000)
def fold(word: str) -> str:
    """Lower case, without accents, with a plain apostrophe."""
    decomposed = unicodedata.normalize("NFKD", word.casefold().replace("\u2019", "'"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The Snowball stem of a folded English word."""
    with _stemmer_lock:  # a stemmer object keeps the current word as its state
        return str(_stemmer().stemWord(word.removesuffix("'s")))


@cache
def _stemmer() -> Any:
    import snowballstemmer  # noqa: PLC0415 -- loads all its languages, which would be a third of the server's start

    return snowballstemmer.stemmer("english")
