"""Composing an answer from the best sentences."""

from collections.abc import Sequence

from relais_models.extractive.passages import Passage
from relais_models.extractive.ranking import Scored, rank, read_question
from relais_models.extractive.sentences import Sentence, sentences
from relais_models.text.terms import terms

NO_PASSAGES = "I can only answer from passages of documents, and this request has none."
NO_ANSWER = "The given passages don't answer this question."

_MOST_SENTENCES = 4
_LEAST_COVERAGE = 0.35
_WORTH_ADDING = 0.6  # of the best score
_ENOUGH_WORDS = 90
_SAME = 0.6  # share of words above which a sentence repeats another
_MARKS = ".!?…"


def compose_answer(question: str, passages: Sequence[Passage], earlier: str = "") -> str:
    """One to four sentences of the passages, each with its citation; or a plain sentence that there is no answer.

    A short follow-up is understood with the question `earlier`.
    """
    if not passages:
        return NO_PASSAGES
    everything = sentences(passages)
    chosen = _choose(rank(read_question(question, earlier), everything))
    if not chosen:
        return NO_ANSWER
    return " ".join(_cite(sentence) for sentence in _with_forerunners(_arrange(chosen), everything))


def _choose(ranked: Sequence[Scored]) -> list[Scored]:
    """The best sentence, then others nearly as good that say something else."""
    if not ranked or ranked[0].coverage < _LEAST_COVERAGE:
        return []
    best, *others = ranked
    chosen = [best]
    for other in others:
        if len(chosen) == _MOST_SENTENCES or other.score < _WORTH_ADDING * best.score or _is_long(chosen):
            break
        if not any(_repeats(other.sentence, each.sentence) for each in chosen):
            chosen.append(other)
    return chosen


def _is_long(chosen: Sequence[Scored]) -> bool:
    return sum(len(each.sentence.text.split()) for each in chosen) > _ENOUGH_WORDS


def _repeats(one: Sentence, other: Sentence) -> bool:
    """Whether one says what the other says, as overlapping passages do, in which one may be cut off."""
    first, second = set(terms(one.text)), set(terms(other.text))
    return (
        one.text in other.text or other.text in one.text or len(first & second) >= _SAME * max(1, len(first | second))
    )


def _arrange(chosen: Sequence[Scored]) -> list[Sentence]:
    """The passage of the best sentence first, then the next; inside a passage, the order of the text."""
    order = {passage: at for at, passage in enumerate(dict.fromkeys(each.sentence.passage for each in chosen))}
    return sorted((each.sentence for each in chosen), key=lambda each: (order[each.passage], each.position))


def _with_forerunners(chosen: Sequence[Sentence], everything: Sequence[Sentence]) -> list[Sentence]:
    """Put before `It …` the sentence that says what it is, while there is room."""
    answer: list[Sentence] = []
    for sentence in chosen:
        before = everything[sentence.position - 1]
        if sentence.leans and before not in answer and len(chosen) < _MOST_SENTENCES:
            answer.append(before)
        if sentence not in answer:
            answer.append(sentence)
    return answer[:_MOST_SENTENCES]


def _cite(sentence: Sentence) -> str:
    """`Leases last 20 s [2].`: the number inside the sentence, so that it belongs to it."""
    text = sentence.text.rstrip(" ;,:")
    mark = text[-1] if text[-1:] and text[-1] in _MARKS else "."
    return f"{text[0].upper()}{text[1:].rstrip(_MARKS)} [{sentence.passage}]{mark}"
