"""Reading files by what they are."""

import pytest

from relais.errors import PermanentError, RunAborted
from relais_worker.ingesting.parse import parse
from relais_worker.ingesting.parsed import Markup, ParsedDocument
from support.pdfs import lock_pdf, make_pdf


def read(name: str, content: bytes, media_type: str = "application/octet-stream") -> ParsedDocument:
    return parse(name, media_type, content, lambda: None)


def refusal(name: str, content: bytes, media_type: str = "application/octet-stream") -> str:
    with pytest.raises(PermanentError) as raised:
        read(name, content, media_type)
    assert raised.value.reason == "unreadable_document"
    return raised.value.message


def test_markdown_is_known_by_its_name_or_media_type() -> None:
    """`.md` and `text/markdown` are Markdown; anything else that is text is plain."""
    assert read("a.md", b"# A").markup is Markup.MARKDOWN
    assert read("README", b"# A", "text/markdown").markup is Markup.MARKDOWN
    assert read("a.txt", b"# A", "text/plain").markup is Markup.PLAIN
    assert read("Makefile", b"all:\n\ttrue\n").markup is Markup.PLAIN


def test_front_matter_is_not_content() -> None:
    """A YAML block at the beginning of Markdown is left out, a rule further down isn't taken for one."""
    document = read("a.md", b"---\ntitle: X\n---\nText.\n\n---\n\nMore.")
    assert "title" not in document.parts[0].text
    assert "More." in document.parts[0].text


def test_html_keeps_structure_and_drops_what_is_not_content() -> None:
    """Headings, lists, code and table rows survive as Markdown; scripts, styles and navigation don't."""
    html = b"""<!DOCTYPE html><html><head><title>Refunds</title><style>p{}</style></head><body>
        <nav>Home</nav><script>alert(1)</script>
        <h2>How &amp; when</h2><p>Within <b>30</b> days.</p><ul><li>Card</li><li>Cash</li></ul>
        <pre>make  up\nmake test</pre><table><tr><th>Land</th><th>Days</th></tr><tr><td>US</td><td>5</td></tr></table>
        </body></html>"""
    text = read("page.bin", html).parts[0].text
    assert text.startswith("# Refunds")
    for expected in ("## How & when", "Within 30 days.", "- Card\n- Cash", "make  up\nmake test", "US | 5"):
        assert expected in text
    assert not any(noise in text for noise in ("alert", "p{}", "Home"))


def test_deeply_nested_html_does_not_exhaust_the_stack() -> None:
    """Hostile nesting ends as text."""
    html = b"<html><body>" + b"<div>" * 5000 + b"deep words" + b"</div>" * 5000 + b"</body></html>"
    assert "deep words" in read("a.html", html).parts[0].text


def test_html_in_a_declared_encoding_is_decoded() -> None:
    """What `<meta charset>` says holds."""
    html = '<html><head><meta charset="iso-8859-1"></head><body><p>Café</p></body></html>'.encode("latin-1")
    assert "Café" in read("a.html", html).parts[0].text


def test_a_pdf_is_read_page_by_page() -> None:
    """Each page with text becomes a part headed by its number; the content decides, not the name."""
    document = read("upload.bin", make_pdf(["Refunds take 30 days.", "", "Shipping (to Canada) costs 12 USD."]))
    assert [(part.heading, part.text) for part in document.parts] == [
        ("page 1", "Refunds take 30 days."),
        ("page 3", "Shipping (to Canada) costs 12 USD."),
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("empty.md", b" \n\t", "empty.md: the file is empty."),
        ("blank.html", b"<html><body><script>1</script></body></html>", "blank.html: the file contains no text."),
        ("photo.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "photo.md: the file is binary"),
        ("noise.txt", bytes(range(1, 32)) * 40, "noise.txt: the file is binary"),
        ("old.txt", "Café".encode("cp1252"), "old.txt: the text isn't valid UTF-8 (byte 0xe9 at position 3)"),
        ("odd.html", b'<html><meta charset="klingon"><p>x</p>', "the declared encoding 'klingon' is unknown"),
        ("fake.pdf", b"just words", "fake.pdf: the file is named as a PDF but isn't one"),
        ("cut.pdf", make_pdf(["Hello there"])[:60], "cut.pdf: the PDF is damaged"),
        ("scan.pdf", make_pdf(["", ""]), "scan.pdf: the PDF contains no text, probably scanned pages"),
        ("locked.pdf", lock_pdf(make_pdf(["secret"]), "pw"), "locked.pdf: the PDF is encrypted: remove its password."),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_and_reason(name: str, content: bytes, expected: str) -> None:
    """Empty, binary, wrongly encoded, damaged, scanned and encrypted files each say what is wrong with them."""
    assert expected in refusal(name, content)


def test_a_pdf_with_an_empty_password_is_read() -> None:
    """Files that only restrict printing are readable by anyone."""
    assert read("a.pdf", lock_pdf(make_pdf(["open secret"]), "")).parts[0].text == "open secret"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_honoured(encoding: str) -> None:
    """Text with a byte order mark is decoded by it, and the mark is no part of it."""
    assert read("a.txt", "Größe\r\nzwei".encode(encoding)).parts[0].text == "Größe\nzwei"


def test_characters_that_the_database_refuses_are_dropped() -> None:
    """Control characters don't reach the index, since PostgreSQL's text and JSON can't hold U+0000."""
    text = read("a.txt", "\ufeffa\x00b".encode("utf-16-le")).parts[0].text
    assert text == "ab"


def test_a_long_pdf_can_be_stopped_between_its_pages() -> None:
    """What `check` raises ends the reading and isn't taken for damage."""

    def check() -> None:
        raise RunAborted("cancelled")

    with pytest.raises(RunAborted):
        parse("a.pdf", "application/pdf", make_pdf(["one", "two"]), check)
