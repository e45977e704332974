"""`extractive`: what it answers from passages."""

import pytest

from relais_models.extractive.answer import NO_ANSWER, NO_PASSAGES, compose_answer
from relais_models.extractive.passages import Passage

ANSWERS = {
    "Within how many days is a refund possible?": ("30 days", "refunds.md"),
    "How do I get my money back?": ("pay the money back", "refunds.md"),
    "What does shipping to Canada cost?": ("19 euros", "shipping.md"),
    "How long does delivery to Japan take?": ("8 to 12 days", "shipping.md"),
    "How long is the warranty?": ("three years", "warranty.md"),
    "Where is the serial number?": ("printed under the base", "warranty.md"),
    "How long is the link for a forgotten password valid?": ("one hour", "account.md"),
    "Which wire goes to earth?": ("yellow-green", "installation.md"),
    "How much weight must the ceiling carry?": ("4 kg", "installation.md"),
    "Why does my bulb flicker?": ("minimum load", "bulbs.md"),
    "How do I pair a lamp?": ("`lumen pair --timeout 60`", "smart-home.md"),
    "How many lamps can the hub connect?": ("50 lamps", "smart-home.md"),
    "What discount do companies get?": ("10 percent", "business.md"),
    "How many days of vacation do employees have?": ("28 days", "jobs.md"),
    "How do I clean brass?": ("lemon juice", "care.md"),
}


@pytest.mark.parametrize("question", ANSWERS)
def test_the_answer_holds_the_fact_with_its_source(passages, question):
    """Of ten passages, the sentence with the fact is quoted, and the number after it is that of its document."""
    fact, document = ANSWERS[question]
    number = next(passage.number for passage in passages if passage.document == document)
    answer = compose_answer(question, passages)
    assert fact in answer
    assert f"[{number}]" in answer[answer.index(fact) :]


@pytest.mark.parametrize("question", ["What is the capital of France?", "Who painted the Mona Lisa?", "???", ""])
def test_a_question_that_no_passage_answers_is_not_answered(passages, question):
    """It says plainly that the passages don't answer, and cites nothing."""
    assert compose_answer(question, passages) == NO_ANSWER


def test_without_passages_it_says_what_it_can_do():
    """No made-up answer without a source."""
    assert compose_answer("How long is the warranty?", []) == NO_PASSAGES


def test_the_answer_reads_as_prose(passages):
    """No heading, list or table mark gets into an answer."""
    for question in ANSWERS:
        answer = compose_answer(question, passages)
        assert "|" not in answer
        assert "#" not in answer
        assert "**" not in answer
        assert not answer.startswith(("-", "1."))


def test_at_most_four_sentences(passages):
    """Even when much of the text fits the question."""
    text = " ".join(f"The lease of worker {number} lasts {number} seconds." for number in range(20))
    assert 1 <= compose_answer("How long does the lease last?", [Passage(1, "a.md", text)]).count("[1]") <= 4


def test_overlapping_passages_are_quoted_once():
    """Chunks share text at their edges; the answer doesn't repeat itself."""
    text = "A lease lasts 20 seconds."
    answer = compose_answer("How long does a lease last?", [Passage(1, "a.md", text), Passage(2, "b.md", text)])
    assert answer == "A lease lasts 20 seconds [1]."


def test_a_pronoun_brings_the_sentence_it_points_to():
    """`It …` alone would leave the reader guessing what it is."""
    text = "The sweeper is a process of its own. It repairs expired leases every second. Cats sleep."
    answer = compose_answer("Who repairs expired leases?", [Passage(1, "a.md", text)])
    assert answer == "The sweeper is a process of its own [1]. It repairs expired leases every second [1]."


def test_sentences_of_a_passage_keep_their_order():
    """First things first, whichever sentence fits best."""
    text = (
        "A worker that crashed is restarted. Cats sleep. When a worker is restarted after a crash, it claims new jobs."
    )
    answer = compose_answer("What does a worker do when it is restarted after a crash?", [Passage(1, "a.md", text)])
    assert answer.index("that crashed") < answer.index("claims new jobs")


def test_a_short_follow_up_is_understood_with_the_question_before_it(passages):
    """`And to Canada?` after a question about shipping is about shipping."""
    answer = compose_answer("And to Canada?", passages, earlier="What does shipping to Japan cost?")
    assert "Canada" in answer
    assert "19 euros" in answer


def test_the_same_question_gives_the_same_answer(passages):
    """Deterministic, so that tests and demonstrations can rely on it."""
    assert len({compose_answer("How long is the warranty?", passages) for _ in range(5)}) == 1
