"""Finding numbered passages in a system message."""

from relais_models.extractive.passages import Passage, find_passages

MESSAGE = """You answer from the passages.

Cite them as [1].

Passages:

[1] (refunds.md) # Refunds

Within 30 days.

[2] (notes (draft).md) Second text,
over two lines.
"""


def test_passages_are_read_with_number_document_and_text():
    """Blank lines inside a passage and parentheses inside a name are part of it."""
    assert find_passages(MESSAGE) == [
        Passage(1, "refunds.md", "# Refunds\n\nWithin 30 days."),
        Passage(2, "notes (draft).md", "Second text,\nover two lines."),
    ]


def test_without_the_line_there_are_none():
    """A system message that merely mentions [1] holds no passages."""
    assert find_passages("Cite as [1].\n[1] (a.md) text") == []
    assert find_passages("") == []


def test_a_footnote_in_a_text_is_not_a_passage():
    """A line of a document that begins with a bracketed number doesn't start a passage unless it goes on counting."""
    message = "Passages:\n\n[1] (a.md) Text.\n[7] A footnote.\n\n[2] (b.md) More."
    assert [passage.number for passage in find_passages(message)] == [1, 2]
    assert "[7] A footnote." in find_passages(message)[0].text


def test_a_name_is_not_required():
    """A prompt without document names is read as well."""
    assert find_passages("Passages:\n[1] Just text.") == [Passage(1, "", "Just text.")]
    assert find_passages("Passages:\n[1] (unclosed text\nmore") == [Passage(1, "", "(unclosed text\nmore")]
