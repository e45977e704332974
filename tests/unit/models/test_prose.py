"""Turning Markdown into sentences."""

import pytest

from relais_models.extractive.markdown import blocks, plain
from relais_models.extractive.passages import Passage
from relais_models.extractive.sentences import sentences, split


def _texts(markdown):
    return [sentence.text for sentence in sentences([Passage(1, "a.md", markdown)])]


@pytest.mark.parametrize(
    ("line", "prose"),
    [
        ("**Bold** and *slanted* and __both__", "Bold and slanted and both"),
        ("see [the guide](https://example.org/a_b) now", "see the guide now"),
        ("run `a * b * c` and *go*", "run `a * b * c` and go"),
        ("snake_case_name stays", "snake_case_name stays"),
        ("2 * 3 * 4 stays", "2 * 3 * 4 stays"),
        ("![logo](x.png) text<br>", "text"),
        ("as shown[^1] there [2]", "as shown there"),
    ],
)
def test_inline_marks_are_removed(line, prose):
    """Code keeps its backticks; a footnote's number, which would read as a citation, goes."""
    assert plain(line) == prose


def test_headings_become_context():
    """A heading is no sentence, but says what the sentences below it are about."""
    found = sentences([Passage(1, "a.md", "# Leases\n\nThey last 20 s.\n\nNotes\n-----\nMore.")])
    assert [sentence.text for sentence in found] == ["They last 20 s.", "Notes", "More."]
    assert "Leases" in found[0].context


def test_table_rows_become_sentences():
    """The first cell, then the others with their column's name."""
    table = "| state | means | moved by |\n|---|:---:|---|\n| `queued` | waits | claim |\n| done | | nobody |"
    assert _texts(table) == ["`queued`: means: waits; moved by: claim", "done: moved by: nobody"]
    assert _texts("| call | does |\n|---|---|\n| GET | reads |") == ["GET: reads"]


def test_short_lists_and_code_join_their_lead_in():
    """`Run:` alone says nothing, and neither does a command alone."""
    assert _texts("Run:\n\n```sh\nmake up\n```\n\nThen ask.") == ["Run: `make up`", "Then ask."]
    assert _texts("It has three parts:\n\n- an API\n- a worker;\n- a monitor.") == [
        "It has three parts: an API; a worker; a monitor."
    ]


def test_long_lists_keep_their_items_apart():
    """Each item is quoted by itself, with the lead-in as its context."""
    items = "\n".join(f"- Item {number} says something of its own at some length here." for number in range(9))
    found = sentences([Passage(1, "a.md", f"Rules to keep:\n{items}")])
    assert len(found) == 9
    assert "Rules to keep" in found[0].context


def test_code_alone_is_not_quoted():
    """A block of code is no sentence, nor are comments in it headings."""
    assert _texts("Before.\n\n```python\n# not a heading\nx = 1\n```\n\nAfter.") == ["Before.", "After."]


def test_wrapped_lines_are_one_sentence():
    """Line breaks inside a paragraph or an item mean nothing."""
    assert _texts("- A lease lasts\n  20 s.\n- Next.") == ["A lease lasts 20 s.", "Next."]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three? Four", 4),
        ("Version 3.10 of relais.md, e.g. Ubuntu, i.e. Linux etc. works.", 1),
        ("He said “Go.” She went.", 2),
        ("Ask Dr. Who. J. Smith answers.", 2),
        ("Set it. `.env` is read.", 2),
        ("A … B stays whole.", 1),
        ("", 0),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text, count):
    """Abbreviations, versions and file names go on."""
    assert len(split(text)) == count


def test_a_paragraph_right_after_a_list_is_its_own():
    """The worker's prompt has no blank lines inside a passage."""
    assert _texts("## Parts\n- An API\n- A worker\n  of its own\nAll of them log.") == [
        "An API",
        "A worker of its own",
        "All of them log.",
    ]


def test_odd_markdown_does_no_harm():
    """Whatever was ingested, reading it ends and yields text."""
    for odd in ["```", "| a", "|||", "- ", "#", "***", "[](", "> > quote", "\x00\x01", ":\n- x", "a:\n```\n```"]:
        assert all(isinstance(block.text, str) for block in blocks(odd))
        assert isinstance(_texts(odd), list)
