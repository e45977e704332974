"""What an index of a document was made with: stored as `documents.indexed_with`, compared before it is used."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class IndexSignature:
    """Embedding model, vector size and way of chunking, written as `nomic-embed-text@768 sections-1/320/60`."""

    model: str
    size: int
    chunking: str

    def __str__(self) -> str:
        return f"{self.model}@{self.size} {self.chunking}"

    @classmethod
    def read(cls, stored: str) -> Self:
        """Read what `str` wrote."""
        made_by, chunking = stored.rsplit(" ", 1)
        model, size = made_by.rsplit("@", 1)
        return cls(model, int(size), chunking)
