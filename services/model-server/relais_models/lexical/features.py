"""What of a text an embedding sees, each feature with its weight.

Questions are short and chunks are long, so a chunk's weight has to sit on what it is about: headings count double,
repeated words gain (logarithmically), and the many words that occur once stay small. The constants were tuned on
questions about Markdown documents; the optimum is flat.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from relais_models.text.kin import kin
from relais_models.text.stopwords import WEAK_WORDS
from relais_models.text.terms import stem, terms, words

_HEADING_WEIGHT = 2.0
_EMPHASIS = 1.3  # above 1, repeated words gain over the tail
_WEAK_WEIGHT = 0.6
_BIGRAM_WEIGHT = 0.3
_KIN_WEIGHT = 0.5
_GRAM_WEIGHT = 0.3  # all character n-grams of a word together
_GRAM_LENGTH = 4

_ADDRESS = re.compile(r"\bhttps?://\S+")
_FENCE = ("```", "~~~")


def features(text: str) -> dict[str, float]:
    """Weights by feature: `word`, `word word`, `~family`, `#gram`; never empty."""
    weights: defaultdict[str, float] = defaultdict(float)
    counts, bigrams = _count(text)
    for term, count in counts.items():
        weight = _weak_words().get(term, 1.0) * _sublinear(count)
        weights[term] += weight
        for family in kin().get(term, ()):
            weights[f"~{family}"] += _KIN_WEIGHT * weight
        for gram in (grams := _grams(term)):
            weights[gram] += _GRAM_WEIGHT * weight / math.sqrt(len(grams))
    for bigram, count in bigrams.items():
        weights[bigram] += _BIGRAM_WEIGHT * _sublinear(count)
    # Text of stopwords or punctuation alone still needs a direction: a zero vector can't be normalised.
    return weights or dict.fromkeys(words(text), 1.0) or {"": 1.0}


def _count(text: str) -> tuple[dict[str, float], Counter[str]]:
    counts: defaultdict[str, float] = defaultdict(float)
    bigrams: Counter[str] = Counter()
    for line, weight in _weighted_lines(text):
        found = terms(_ADDRESS.sub(" ", line))
        for term in found:
            counts[term] += weight
        bigrams.update(f"{first} {second}" for first, second in pairwise(found))
    return counts, bigrams


def _weighted_lines(text: str) -> Iterator[tuple[str, float]]:
    in_code = False
    for line in text.splitlines():
        in_code ^= line.lstrip().startswith(_FENCE)
        yield line, _HEADING_WEIGHT if line.startswith("#") and not in_code else 1.0


def _sublinear(count: float) -> float:
    return float((1 + math.log(count)) ** _EMPHASIS)


def _grams(term: str) -> set[str]:
    if len(term) < _GRAM_LENGTH:
        return set()
    padded = f"<{term}>"
    return {f"#{padded[at : at + _GRAM_LENGTH]}" for at in range(len(padded) - _GRAM_LENGTH + 1)}


@cache
def _weak_words() -> dict[str, float]:
    return dict.fromkeys(map(stem, WEAK_WORDS), _WEAK_WEIGHT)
