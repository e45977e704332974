"""Cutting documents along their structure."""

from uuid import UUID, uuid4

from relais_worker.ingesting.chunk import Chunk, Chunking, cut
from relais_worker.ingesting.parsed import Markup, ParsedDocument, Part
from relais_worker.ingesting.sections import split_sections
from relais_worker.token_estimate import estimate_tokens

SMALL = Chunking(max_tokens=40, overlap_tokens=15)
DOCUMENT = uuid4()


def cut_markdown(text: str, chunking: Chunking = SMALL, document_id: UUID = DOCUMENT) -> list[Chunk]:
    return cut(document_id, ParsedDocument(Markup.MARKDOWN, (Part(text),)), chunking)


def test_sections_carry_the_path_of_headings_above_them() -> None:
    """A heading ends the section before it and those of its own level and below; sections without text vanish."""
    text = "Intro.\n\n# Shop\n\n## Shipping\n\n### `Canada`\n\n12 USD.\n\n## Refunds\n\n30 days.\n\nTop\n===\n\nEnd."
    assert [(part.heading, part.text) for part in split_sections(text)] == [
        ("", "Intro."),
        ("Shop > Shipping > Canada", "12 USD."),
        ("Shop > Refunds", "30 days."),
        ("Top", "End."),
    ]


def test_what_looks_like_a_heading_within_code_is_none() -> None:
    """A comment in a code block doesn't start a section."""
    sections = list(split_sections("# Run\n\n```sh\n# not a heading\nmake up\n```\n\nDone."))
    assert [section.heading for section in sections] == ["Run"]


def test_every_chunk_keeps_within_the_budget_and_overlaps_its_neighbour() -> None:
    """A long section is cut at sentences, each piece within the budget, repeating the end of the one before."""
    sentences = [f"Sentence number {number} says a little." for number in range(30)]
    chunks = cut_markdown("# Long\n\n" + " ".join(sentences))
    heading = estimate_tokens("# Long\n")
    assert len(chunks) > 5
    assert all(estimate_tokens(chunk.text) <= SMALL.max_tokens + heading for chunk in chunks)
    assert all(chunk.text.startswith("# Long\n") for chunk in chunks)
    joined = " ".join(chunk.text for chunk in chunks)
    assert all(sentence in joined for sentence in sentences)
    assert sum(map(joined.count, sentences)) > len(sentences)


def test_a_word_without_end_is_cut_all_the_same() -> None:
    """No text can make a chunk larger than the budget."""
    chunks = cut_markdown("x" * 5000)
    assert max(estimate_tokens(chunk.text) for chunk in chunks) <= SMALL.max_tokens


def test_chunk_ids_are_deterministic_and_follow_the_text() -> None:
    """An unchanged section keeps its id when another is put before it; another document's differs."""
    before = cut_markdown("# B\n\nSame text.")
    after = cut_markdown("# A\n\nNew.\n\n# B\n\nSame text.")
    assert after[1].id == before[0].id
    assert (before[0].position, after[1].position) == (0, 1)
    assert cut_markdown("# B\n\nSame text.", document_id=uuid4())[0].id != before[0].id


def test_a_passage_that_occurs_twice_is_kept_once() -> None:
    """Repeated boilerplate doesn't fill the search results."""
    assert len(cut_markdown("# A\n\nSame.\n\n# A\n\nSame.")) == 1


def test_pages_of_a_pdf_name_the_page_but_do_not_search_by_it() -> None:
    """The page number is the passage's heading and not part of its text."""
    document = ParsedDocument(Markup.PLAIN, (Part("Some words.", heading="page 3"),))
    (chunk,) = cut(DOCUMENT, document, SMALL)
    assert (chunk.heading, chunk.text) == ("page 3", "Some words.")


def test_a_document_of_headings_alone_has_no_chunks() -> None:
    """There is nothing to answer from."""
    assert cut_markdown("# A\n\n## B\n") == []
