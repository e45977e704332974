"""What every parser makes of a file, and how it says that it can't."""

from dataclasses import dataclass
from enum import StrEnum

from relais.errors import PermanentError


class Markup(StrEnum):
    """How the text is structured."""

    MARKDOWN = "markdown"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a document's text; `heading` says where it is when the text itself doesn't, such as `page 3`."""

    text: str
    heading: str = ""


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document's text in its order."""

    markup: Markup
    parts: tuple[Part, ...]


class UnreadableError(PermanentError):
    """A document that can't be read as it is; names the file, the reason and, where there is one, the remedy."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__("unreadable_document", f"{name}: {reason}")
