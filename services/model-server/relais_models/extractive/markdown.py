"""Reading Markdown as blocks of plain prose under their headings."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_UNDERLINE = re.compile(r"^(=+|-+)\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+(.*)$")
_RULE = re.compile(r"^\s*([-*_])(\s*\1){2,}\s*$")
_TABLE_RULE = re.compile(r"^[\s|:\-]*-[\s|:\-]*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_INLINE = (
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),  # images
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),  # links
    (re.compile(r"\[([^\]]+)\]\[[^\]]*\]"), r"\1"),  # links by reference
    (re.compile(r"\[\^?\d+\]"), ""),  # footnotes would read as citations of ours
    (re.compile(r"<(https?://[^>\s]+)>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->"), ""),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]+?)(?<=\S)\*(?!\w)"), r"\1"),
    (re.compile(r"(?<!\w)_(?=\S)([^_]+?)(?<=\S)_(?!\w)"), r"\1"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, table row or code; `kind` is one of these words, `code` keeps its lines."""

    kind: str
    text: str
    heading: str


def blocks(markdown: str) -> Iterator[Block]:
    """The blocks of `markdown` without its marks, in order, each with the nearest heading above it."""
    heading = ""
    for kind, lines in _groups(markdown.expandtabs(4).splitlines()):
        if kind == "heading":
            heading = plain(lines[0])
        elif kind == "table":
            yield from (Block("row", row, heading) for row in _rows(lines))
        elif kind == "code":
            yield Block("code", "\n".join(lines).strip("\n"), heading)
        elif text := plain(" ".join(lines)):
            yield Block(kind, text, heading)


def plain(line: str) -> str:
    """`line` without inline marks; code keeps its backticks, which show where a name begins and ends."""
    pieces = re.split(r"(`[^`]*`)", line)
    for pattern, replacement in _INLINE:
        pieces = [piece if piece.startswith("`") else pattern.sub(replacement, piece) for piece in pieces]
    return "".join(pieces).strip()


def _groups(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Lines that belong together, with their kind: heading, table, code, item, paragraph."""
    kind, group = "", list[str]()
    for line in lines:
        begins, content = _classify(line, kind, group)
        if begins:
            if group:
                yield kind, group
            kind, group = begins, []
        if content is not None:
            group.append(content)
    if group:
        yield kind, group


def _classify(line: str, kind: str, group: Sequence[str]) -> tuple[str, str | None]:  # noqa: PLR0911 -- one return for each form a line has
    """The kind of the group that this line begins ("" when it goes on with the last one), with its text if any."""
    if _FENCE.match(line):
        return ("paragraph" if kind == "code" else "code"), None
    if kind == "code":
        return "", line
    if not line.strip() or _RULE.match(line):
        return "paragraph", None
    if heading := _HEADING.match(line):
        return "heading", heading[1]
    if kind == "heading" and group:
        kind = ""  # a heading is one line
    if line.lstrip().startswith("|"):
        return ("" if kind == "table" else "table"), line
    if item := _ITEM.match(line):
        return "item", item[1]
    text = line.strip().removeprefix(">").strip()
    goes_on = kind == "paragraph" or (kind == "item" and line.startswith(" "))
    return ("" if goes_on else "paragraph"), (None if _UNDERLINE.match(line) else text)


def _rows(lines: Sequence[str]) -> Iterator[str]:
    """Each row as a sentence: its first cell, then the others under their column's name."""
    table = [[plain(cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in lines]
    has_head = len(lines) > 1 and _TABLE_RULE.match(lines[1]) is not None
    head, body = (table[0], table[2:]) if has_head else ([], table)
    for first, *others in body:
        named = zip_longest(head[1 : len(others) + 1], others, fillvalue="")
        cells = [_cell(name, cell, alone=len(others) == 1) for name, cell in named if cell]
        yield f"{first}: {'; '.join(cells)}" if first and cells else first or "; ".join(cells)


def _cell(name: str, cell: str, *, alone: bool) -> str:
    return cell if alone or not name else f"{name}: {cell}"
