"""Turns HTML into Markdown that keeps what chunking needs: headings, paragraphs, lists, code, rows."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

_NOT_CONTENT = ["script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form", "svg", "iframe"]
_BLOCKS = {
    "address", "article", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "hr", "main", "ol", "p", "section", "summary", "table", "tbody", "tfoot", "thead", "ul",
}  # fmt: skip
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_SPACE = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\n\s*\n+")
_DEEPEST = 200  # hostile nesting must not exhaust the stack; what lies deeper is taken as plain text


def html_to_markdown(html: str) -> str:
    """Convert the body; a page's title leads as its first heading when the body has no `h1`."""
    tree = LexborHTMLParser(html)
    title = tree.css_first("title")
    tree.strip_tags(_NOT_CONTENT)
    body = tree.body
    if body is None:
        return ""
    lead = f"# {_inline(title.text())}\n\n" if title is not None and body.css_first("h1") is None else ""
    return (lead + _BLANK_LINES.sub("\n\n", "".join(_blocks(body, 0)))).strip()


def _blocks(node: LexborNode, depth: int) -> Iterator[str]:
    tag = node.tag
    if tag == "-text":
        yield _SPACE.sub(" ", node.text_content or "")
    elif depth > _DEEPEST:
        yield _inline(node.text(separator=" "))
    elif tag in _HEADINGS:
        yield f"\n\n{_HEADINGS[tag]} {_inline(node.text())}\n\n"
    elif tag == "pre":
        yield f"\n\n```\n{node.text().strip(chr(10))}\n```\n\n"
    elif tag == "br":
        yield "\n"
    elif tag == "li":
        yield f"\n- {''.join(_children(node, depth)).strip()}"
    elif tag == "tr":
        yield "\n" + " | ".join(_inline(cell.text(separator=" ")) for cell in node.css("th, td"))
    elif tag in _BLOCKS:
        yield f"\n\n{''.join(_children(node, depth)).strip()}\n\n"
    else:
        yield from _children(node, depth)


def _children(node: LexborNode, depth: int) -> Iterator[str]:
    for child in node.iter(include_text=True):
        yield from _blocks(child, depth + 1)


def _inline(text: str) -> str:
    return _SPACE.sub(" ", text).strip()
