"""What to search for: the question, with the context that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from relais.store.conversation import EarlierTurn
from relais_worker.answering.wording import content_words, identifiers, needs_context

_MOST_EARLIER_QUESTIONS = 3


@dataclass(frozen=True, slots=True)
class Query:
    """`phrasings` are searched by meaning, `words` by BM25; a passage that names one of `identifiers` is relevant."""

    phrasings: list[str]
    words: str
    identifiers: set[str]


def make_query(question: str, earlier: Sequence[EarlierTurn]) -> Query:
    """Make the query for a question after the earlier turns, which come oldest first.

    A question that needs context is searched together with the questions that it continues, and also alone if it
    has content of its own: "and to Canada?" must find the passage on shipping costs as well as the one on Canada.
    """
    context = _continued(question, [turn.question for turn in earlier])
    in_context = " ".join([*context, question])
    phrasings = [in_context, question] if context and content_words(question) else [in_context]
    return Query(phrasings, " ".join(content_words(in_context)) or in_context, identifiers(question))


def _continued(question: str, earlier: Sequence[str]) -> list[str]:
    """Walk back to the question that stands alone."""
    context: list[str] = []
    while earlier and needs_context(question) and len(context) < _MOST_EARLIER_QUESTIONS:
        *earlier, question = earlier
        context.insert(0, question)
    return context
