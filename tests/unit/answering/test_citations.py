"""Citations in answers."""

import pytest

from relais_worker.adapters.qdrant import Hit, Passage
from relais_worker.answering.citations import citations, cited_numbers, without_marks


def hit(number: int) -> Hit:
    passage = Passage(f"c{number}", "a", "d", f"doc{number}.md", "00", number, "Heading", f"Text {number}.")
    return Hit(passage, 0.5 + number / 10)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Yes [2]. And [1].", [1, 2]),
        ("Both [1, 3] and [2][2].", [1, 2, 3]),
        ("A range [1-3].", [1, 2, 3]),
        ("Other brackets 【2】.", [2]),
        ("Out of range [4] [0] [99].", []),
        ("A link [text](url) and an array[i].", []),
        ("Nothing.", []),
    ],
)
def test_cited_numbers_are_those_of_given_passages(answer: str, expected: list[int]) -> None:
    """Marks are read singly, in lists and ranges; numbers that name no passage are dropped."""
    assert cited_numbers(answer, 3) == expected


def test_a_citation_has_the_shape_of_the_contract() -> None:
    """Index, document, chunk, score and text, as API.md promises."""
    (citation,) = citations([hit(1), hit(2)], [2])
    assert citation["index"] == 2
    assert citation["document"] == "doc2.md"
    assert citation["chunk_id"] == "c2"
    assert citation["score"] == 0.7
    assert citation["text"] == "Text 2."


def test_an_answer_without_marks_lists_all_its_passages() -> None:
    """A model that doesn't cite still answered from what it was given."""
    assert [citation["index"] for citation in citations([hit(1), hit(2)], [])] == [1, 2]


def test_marks_are_removed_from_earlier_answers() -> None:
    """An earlier answer's numbers mean other passages than the present ones."""
    assert without_marks("It costs 12 USD [1]. Taxes apply [2, 3].") == "It costs 12 USD. Taxes apply."
