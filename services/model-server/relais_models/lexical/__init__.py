"""`lexical`: embeddings from the words of a text, without learned weights."""
