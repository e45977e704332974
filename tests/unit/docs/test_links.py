"""The links of the documents."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
# A link or an image; not within code.
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _links(page: Path) -> Iterator[str]:
    text = _CODE.sub("", _FENCED.sub("", page.read_text()))
    return (target for target in _LINK.findall(text) if "://" not in target)


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#{1,6} (.+)$", _FENCED.sub("", page.read_text()), re.MULTILINE)
    return {_anchor(heading) for heading in headings}


def _anchor(heading: str) -> str:
    kept = (char for char in heading.lower() if char in " -_" or unicodedata.category(char)[0] in "LN")
    return "".join(kept).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_to_a_file_and_an_anchor(page: Path) -> None:
    """A reader who follows a link within the repository arrives."""
    broken = []
    for target in _links(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in _anchors(found)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_headings_of_a_page_are_unique(page: Path) -> None:
    """An anchor names one section."""
    headings = re.findall(r"^#{2,6} (.+)$", _FENCED.sub("", page.read_text()), re.MULTILINE)
    if page.name == "CHANGELOG.md":  # Keep a Changelog repeats them for each version
        return
    assert len(headings) == len(set(headings))


def test_every_page_can_be_reached_from_the_readme() -> None:
    """No page is an orphan."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in _links(page)]
    assert set(PAGES) <= reached


def test_every_file_that_the_architecture_names_exists() -> None:
    """The way of a message leads through files that are there."""
    named = re.findall(r"`((?:services|shared|infra|tests)/[\w./-]+)`", (ROOT / "docs" / "architecture.md").read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert len(named) > 9  # the search can't come to nothing unnoticed
