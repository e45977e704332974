"""`lexical` as the server's embedding model."""

import asyncio
from collections.abc import Sequence

from relais_models.contract import Card, ModelError
from relais_models.lexical.embedding import DIMENSIONS, embed

_CARD = Card(
    name="lexical",
    family="lexical",
    format="built-in",
    parameter_size="0",
    quantization="none",
    size_bytes=0,
    capabilities=("embedding",),
    info={"general.architecture": "lexical", "lexical.embedding_length": DIMENSIONS},
)


class LexicalModel:
    """Hashed word features; the same text always gives the same vector."""

    card = _CARD

    async def embed(self, texts: Sequence[str], dimensions: int | None) -> list[list[float]]:
        """Embed in a thread, text by text, so that other requests are served meanwhile."""
        if dimensions is not None and not 1 <= dimensions <= DIMENSIONS:
            raise ModelError(f"dimensions must be between 1 and {DIMENSIONS}", 400)
        return [await asyncio.to_thread(embed, text, dimensions or DIMENSIONS) for text in texts]
