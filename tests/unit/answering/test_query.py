"""What is searched for, alone and in a conversation."""

import pytest

from relais.store.conversation import EarlierTurn
from relais_worker.answering.query import make_query
from relais_worker.answering.wording import identifiers, needs_context


def turns(*questions: str) -> list[EarlierTurn]:
    return [EarlierTurn(question, "An answer.", grounded=True) for question in questions]


@pytest.mark.parametrize(
    "question",
    ["and to Canada?", "What about refunds abroad?", "Why?", "How long does it take?", "Und nach Kanada?", "Canada?"],
)
def test_follow_ups_need_context(question: str) -> None:
    """Continuations, questions that point back and questions of one word can't be searched alone."""
    assert needs_context(question)


@pytest.mark.parametrize(
    "question",
    [
        "How does Relais recover when a worker dies?",
        "Is there a limit on the size of messages?",
        "When a worker dies in the middle of an answer, what happens to its jobs?",
        "Wie lange dauert eine Rückerstattung?",
    ],
)
def test_questions_that_stand_alone_do_not(question: str) -> None:
    """A question with content of its own is searched as it is."""
    assert not needs_context(question)


def test_the_first_question_is_searched_as_it_is() -> None:
    """Without earlier turns there is no context to add, however short the question."""
    query = make_query("and to Canada?", [])
    assert query.phrasings == ["and to Canada?"]


def test_a_follow_up_is_searched_with_what_it_continues_and_alone() -> None:
    """The question before joins the search; both phrasings rank the passages."""
    query = make_query("and to Canada?", turns("What does shipping to the US cost?"))
    assert query.phrasings == ["What does shipping to the US cost? and to Canada?", "and to Canada?"]
    assert query.words == "shipping cost Canada"


def test_a_chain_of_follow_ups_reaches_back_to_the_question_that_stands_alone() -> None:
    """The topic may be several turns back; turns before it are left out."""
    query = make_query("Why?", turns("How do refunds work here?", "What does shipping cost?", "and to Canada?"))
    assert query.phrasings == ["What does shipping cost? and to Canada? Why?"]


def test_a_new_topic_leaves_the_old_one_behind() -> None:
    """A question that stands alone isn't mixed with the conversation."""
    query = make_query("How do I reset my password?", turns("What does shipping cost?"))
    assert query.phrasings == ["How do I reset my password?"]


def test_a_question_of_function_words_still_has_words() -> None:
    """The search by words is never empty."""
    assert make_query("What is it?", []).words == "What is it?"


def test_exact_names_are_recognised_and_words_are_not() -> None:
    """Codes, settings, product numbers and file names count; numbers, acronyms and hyphenated words don't."""
    text = "E1042 in definitions.json, RELAIS_HOME, the X-200; USA, e-mail, 2024 and well-known? e.g. no."
    assert identifiers(text) == {"e1042", "definitions.json", "relais_home", "x-200"}
