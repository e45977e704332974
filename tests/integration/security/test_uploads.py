"""Names and contents of uploads can't leave their place: a name is a label in the database, never a path."""

import zlib

import pytest

from relais_worker.ingesting.parse import parse
from relais_worker.ingesting.parsed import UnreadableError
from support.pdfs import make_compressed_pdf

NAMES = {
    "../../etc/passwd.md": "passwd.md",
    "..\\..\\windows\\system32\\a.md": "a.md",
    "C:\\Users\\x\\a.txt": "a.txt",
    "/etc/cron.d/a.md": "a.md",
    "a\u202egpj.md": "agpj.md",  # an override of the direction would disguise the suffix
    "a\tb.md": "ab.md",
    "CON.md": "CON.md",
    "cafe\u0301.md": "caf\u00e9.md",
    "<img src=x onerror=alert(1)>.md": "<img src=x onerror=alert(1)>.md",
}
REFUSED = ["..", ".", "", "   ", "a" * 201 + ".md", "a.md/", "a.exe", "a.md.exe", ".md\0.exe", "a.zip", "a.docx"]


def upload(api, name: str, content: bytes = b"# Title\n\ntext"):
    """Send one file under a name, as no well-behaved client would."""
    escaped = name.encode().replace(b'"', b"%22")
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="' + escaped + b'"\r\n\r\n' + content
    headers = {"Content-Type": "multipart/form-data; boundary=b", **api.admin}
    return api.http.post("/api/agents/demo/documents", content=body + b"\r\n--b--\r\n", headers=headers)


@pytest.mark.parametrize(("sent", "stored"), NAMES.items())
def test_only_the_last_part_of_a_name_is_kept(api, sent, stored):
    """Folders, drives, control and formatting characters go; what is left is text, also when it looks like HTML."""
    answer = upload(api, sent)
    assert answer.status_code == 202, answer.text
    assert answer.json()["documents"][0]["name"] == stored


@pytest.mark.parametrize("name", REFUSED)
def test_names_without_a_use_are_refused(api, name):
    """422 for empty, overlong and dotted names and for types that can't be read, archives among them."""
    assert upload(api, name).status_code == 422


def test_a_compressed_bomb_is_refused_before_it_fills_the_memory():
    """A PDF of 300 kB whose page would have 300 MB ends as unreadable, by pypdf's limits."""
    content = zlib.compress(b"BT (a) Tj ET " * 23_000_000, 9)
    bomb = make_compressed_pdf(content)
    assert len(bomb) < 1_000_000
    with pytest.raises(UnreadableError, match="page 1 of the PDF is damaged"):
        parse("bomb.pdf", "application/pdf", bomb, lambda: None)


def test_entities_of_html_are_not_fetched_or_expanded():
    """An external entity is text; nested entities don't multiply."""
    lots = "".join(f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" * 1}&l{n - 1};">' for n in range(1, 30))
    page = f'<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">{lots}]><html><body>&x; &l29; text</body></html>'
    (part,) = parse("a.html", "text/html", page.encode(), lambda: None).parts
    assert "root:" not in part.text
    assert len(part.text) < 5_000
