"""Scoring sentences against a question."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from relais_models.extractive.sentences import Sentence
from relais_models.text.kin import kin
from relais_models.text.stopwords import WEAK_WORDS
from relais_models.text.terms import stem, terms

# BM25 (Robertson and Zaragoza, 2009) with a mild length penalty: long sentences often hold the explanation.
_K1 = 1.2
_B = 0.4
_KIN = 0.5  # a related word counts half of the word itself
_KIN_CONTEXT = 0.3
_CONTEXT = 0.45  # a word of the heading above counts less than one of the sentence
_WEAK = 0.4
_EARLIER_TURN = 0.35
_STANDS_ALONE = 1.5  # weight above which a question needs no words of the one before it
_UNKNOWN = 1.5  # a word that no passage knows speaks against there being an answer
_LONG = 60  # words; what is longer is a list or a table row rather than a sentence
_SUBJECT = 1.25  # "A lease is …" says more of leases than a sentence that mentions one
_RANK_DECAY = 0.04  # retrieval puts the best passage first

_FOLLOWS_UP = re.compile(r"\s*(?:and|or|but|what about|how about|why)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """A question's terms with their weights; terms of the question before it weigh less."""

    weights: dict[str, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """A sentence with its score and the share of the question that it covers, 0 to 1."""

    sentence: Sentence
    score: float
    coverage: float


@dataclass(frozen=True, slots=True)
class _Match:
    """How well a sentence knows a term (1 literally, less by kin or heading), with how often."""

    strength: float
    count: int


def read_question(question: str, earlier: str = "") -> Question:
    """Weigh the terms of `question`; a follow-up too short to stand alone borrows those of `earlier`."""
    weak = {stem(word) for word in WEAK_WORDS}
    own = {term: _WEAK if term in weak else 1.0 for term in terms(question)}
    if sum(own.values()) > _STANDS_ALONE and not _FOLLOWS_UP.match(question):
        return Question(own)
    borrowed = {term: _EARLIER_TURN * (_WEAK if term in weak else 1.0) for term in terms(earlier)}
    return Question(borrowed | own)


def rank(question: Question, candidates: Sequence[Sentence]) -> list[Scored]:
    """All candidates, best first; equal scores keep their order."""
    bags = [Counter(terms(sentence.text)) for sentence in candidates]
    contexts = [set(terms(sentence.context)) for sentence in candidates]
    rarities = _rarities(question, [bag.keys() | context for bag, context in zip(bags, contexts, strict=True)])
    average = sum(map(Counter.total, bags)) / max(1, len(bags))
    ranks = {number: rank for rank, number in enumerate(dict.fromkeys(each.passage for each in candidates))}
    scored = []
    for sentence, bag, context in zip(candidates, bags, contexts, strict=True):
        matches = {term: _match(term, bag, context) for term in question.weights}
        coverage = _coverage(question, rarities, matches)
        score = _bm25(question, rarities, matches, bag.total() / max(1.0, average)) * (0.5 + coverage)
        score *= _SUBJECT if question.weights.get(next(iter(bag), ""), 0.0) >= 1 else 1.0
        score *= min(1.0, _LONG / max(1, bag.total())) / (1 + _RANK_DECAY * ranks[sentence.passage])
        scored.append(Scored(sentence, score, coverage))
    return sorted(scored, key=lambda each: (-each.score, each.sentence.position))


def _rarities(question: Question, known: Sequence[AbstractSet[str]]) -> dict[str, float]:
    rarities = {}
    for term in question.weights:
        having = sum(term in each for each in known)
        rarity = math.log(1.5 + (len(known) - having + 0.5) / (having + 0.5))
        rarities[term] = rarity * (1.0 if having else _UNKNOWN)
    return rarities


def _match(term: str, bag: Counter[str], context: AbstractSet[str]) -> _Match:
    if bag[term]:
        return _Match(1.0, bag[term])
    if _knows_kin(term, bag.keys()):
        return _Match(_KIN, 1)
    if term in context:
        return _Match(_CONTEXT, 1)
    return _Match(_KIN_CONTEXT, 1) if _knows_kin(term, context) else _Match(0.0, 0)


def _knows_kin(term: str, known: AbstractSet[str]) -> bool:
    families = set(kin().get(term, ()))
    return bool(families) and any(not families.isdisjoint(kin().get(other, ())) for other in known)


def _bm25(question: Question, rarities: dict[str, float], matches: dict[str, _Match], relative_length: float) -> float:
    damping = _K1 * (1 - _B + _B * relative_length)
    return sum(
        question.weights[term] * rarities[term] * match.strength * match.count * (_K1 + 1) / (match.count + damping)
        for term, match in matches.items()
    )


def _coverage(question: Question, rarities: dict[str, float], matches: dict[str, _Match]) -> float:
    """Rarity counts by its square root: a question about the passages' own subject consists of frequent words."""
    shares = {term: weight * math.sqrt(rarities[term]) for term, weight in question.weights.items()}
    return sum(shares[term] * match.strength for term, match in matches.items()) / (sum(shares.values()) or 1.0)
