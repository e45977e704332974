"""The words that an embedding model was trained to see around a query or a passage.

Ollama embeds what it is given; the models' cards ask for these prefixes, and retrieval suffers without them.
"""

_SENTENCE = "Represent this sentence for searching relevant passages: "
_QUERY_PREFIX = {
    "nomic-embed-text": "search_query: ",
    "mxbai-embed-large": _SENTENCE,
    "snowflake-arctic-embed": _SENTENCE,
    "snowflake-arctic-embed2": "query: ",
    "embeddinggemma": "task: search result | query: ",
    "qwen3-embedding": ("Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"),
}
_PASSAGE_PREFIX = {
    "nomic-embed-text": "search_document: ",
    "embeddinggemma": "title: none | text: ",
}


def as_query(model: str, text: str) -> str:
    """Phrase a question for the embedding model; unknown models get it as it is."""
    return _QUERY_PREFIX.get(_family(model), "") + text


def as_passage(model: str, text: str) -> str:
    """Phrase a passage for the embedding model; unknown models get it as it is."""
    return _PASSAGE_PREFIX.get(_family(model), "") + text


def _family(model: str) -> str:
    """`registry/user/name:tag` without what isn't the name."""
    return model.rsplit("/", 1)[-1].split(":", 1)[0].lower()
