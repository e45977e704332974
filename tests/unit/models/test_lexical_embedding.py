"""`lexical`: how well its vectors find documents."""

import math
import os
import re
import subprocess
import sys
from statistics import median

import pytest

from relais_models.lexical.embedding import DIMENSIONS, embed

RELATED = {
    "How do I return an item and get my money back?": "refunds.md",
    "Can I return a gift card?": "refunds.md",
    "How much is shipping to Canada?": "shipping.md",
    "When will my order be shipped?": "shipping.md",
    "How long is the warranty?": "warranty.md",
    "My lamp is defective, can it be repaired?": "warranty.md",
    "I forgot my password": "account.md",
    "How do I switch on two-factor authentication?": "account.md",
    "Which wire goes to earth?": "installation.md",
    "How do I mount the lamp on the ceiling?": "installation.md",
    "Why does the bulb flicker when dimmed?": "bulbs.md",
    "Which brightness do you recommend for reading?": "bulbs.md",
    "How do I pair a lamp with the hub?": "smart-home.md",
    "Is there a discount for companies?": "business.md",
    "How many vacation days do employees have?": "jobs.md",
    "How do I clean a brass lamp?": "care.md",
}
UNRELATED = [
    "What is the capital of France?",
    "How do I bake sourdough bread?",
    "Who won the football world cup?",
    "Why is the sky blue?",
    "Which planets have rings?",
    "What are the symptoms of the flu?",
    "Explain the rules of chess.",
    "Who painted the Mona Lisa?",
    "How does a jet engine work?",
    "What is the boiling point of helium?",
]


def _cosine(one, other):
    return sum(x * y for x, y in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def vectors(corpus):
    """The vectors of each document's chunks, cut at headings as ingestion does."""
    return {name: [embed(chunk) for chunk in re.split(r"\n(?=##)", text)] for name, text in corpus.items()}


def _score(asked, chunks):
    return max(_cosine(asked, chunk) for chunk in chunks)


@pytest.mark.parametrize("question", RELATED)
def test_a_question_finds_its_document(vectors, question):
    """Asked in other words than the text's, the right document of ten still has the highest score."""
    asked = embed(question)
    assert max(vectors, key=lambda name: _score(asked, vectors[name])) == RELATED[question]


def test_unrelated_questions_score_clearly_below_related_ones(vectors):
    """A threshold about 0.17 separates what the corpus answers from what it doesn't."""
    related = [_score(embed(question), vectors[name]) for question, name in RELATED.items()]
    unrelated = [max(_score(embed(question), chunks) for chunks in vectors.values()) for question in UNRELATED]
    assert median(related) > 0.25
    assert median(unrelated) < 0.12
    assert sum(score > 0.17 for score in related) >= 0.9 * len(related)
    assert sum(score < 0.17 for score in unrelated) >= 0.9 * len(unrelated)


@pytest.mark.parametrize(
    "text", ["one", "Leases last 20 s.", "", "   ", "!!! ???", "the of and", "数据库 连接", "é" * 5000]
)
def test_every_text_has_a_vector_of_length_one(text):
    """Also text without any word that counts: a vector database refuses or misplaces zero vectors."""
    vector = embed(text)
    assert len(vector) == DIMENSIONS
    assert math.isclose(math.hypot(*vector), 1.0, rel_tol=1e-9)
    assert all(map(math.isfinite, vector))


def test_inflected_words_are_the_same_word():
    """Singular and plural, or two tenses, point the same way."""
    assert _cosine(embed("refunding orders"), embed("refund order")) > 0.9


def test_identifiers_match_their_parts():
    """A question in words finds a setting's name."""
    assert _cosine(embed("the database url"), embed("`RELAIS_DATABASE_URL`")) > 0.4
    assert _cosine(embed("retry after"), embed("Retry-After")) > 0.4


def test_vectors_can_be_shorter():
    """`dimensions` folds the vector, which keeps its length of one."""
    assert math.isclose(math.hypot(*embed("a lamp", 64)), 1.0)
    assert len(embed("a lamp", 64)) == 64


def test_another_process_gives_the_same_vector():
    """What was embedded before a restart is found after it, whatever Python's hash seed is."""
    code = "from relais_models.lexical.embedding import embed; print(embed('Where is my parcel?'))"
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment).stdout
    assert output.decode().strip() == str(embed("Where is my parcel?"))
